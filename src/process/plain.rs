//! The plain form of a configuration: words, one after the other, lists with their length in front.
//! JavaScript has checked it; whatever does not fit all the same is an error, never a guess.

use std::slice;

use super::{
    Process,
    account::Account,
    attributes::{self, AttributeRule, Change},
    condition::{Condition, Range, Simple, Test, ValueTest},
    detect::{Detector, Detectors},
    glob::Globs,
    json::JsonRule,
    rule::{Action, MOST_SEARCHES, NONE, Part, Parts, Rule, Stage},
    sql::Dialect,
    token::TokenKey,
};
use crate::error::ConfigError;

type Read<T> = Result<T, ConfigError>;

const WRONG: ConfigError = ConfigError("the rules of `process` could not be compiled");

/// A condition in a condition, and so on.
const MOST_CONDITIONS: usize = 16;

pub(super) fn compile(words: &[String], key: Option<TokenKey>) -> Read<Process> {
    let mut words = Words(words.iter());
    let mut account = Account::default();
    let marker = words.text()?.to_owned();
    let drop = words.list(|words| Ok((account.add(words.text()?), words.condition(0)?)))?;
    let stages = words.list(|words| {
        let rules = words.list(|words| words.rule(&mut account))?;
        let searches = rules.iter().filter(|rule| rule.detectors != 0).count();
        if rules.len() >= NONE as usize || searches > MOST_SEARCHES {
            return Err(WRONG);
        }
        Ok(Stage::new(rules))
    })?;
    let attributes = words.list(|words| words.attribute_rule(&mut account))?;
    let needs_key = stages.iter().flat_map(|stage| &stage.rules).any(Rule::makes_tokens);
    if words.0.next().is_some() || marker.is_empty() || (needs_key && key.is_none()) {
        return Err(WRONG);
    }
    Ok(Process {
        marker,
        key,
        drop,
        stages,
        attributes,
        account,
        #[cfg(test)]
        fault: None,
    })
}

impl Rule {
    fn makes_tokens(&self) -> bool {
        match &self.action {
            Action::Hash => true,
            Action::Json(json) => json.makes_tokens(),
            _ => false,
        }
    }
}

struct Words<'w>(slice::Iter<'w, String>);

impl<'w> Words<'w> {
    fn text(&mut self) -> Read<&'w str> {
        self.0.next().map(String::as_str).ok_or(WRONG)
    }

    fn number(&mut self) -> Read<f64> {
        self.text()?.parse().map_err(|_| WRONG)
    }

    fn count(&mut self) -> Read<usize> {
        self.text()?.parse().map_err(|_| WRONG)
    }

    fn flag(&mut self) -> Read<bool> {
        match self.text()? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(WRONG),
        }
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = self.count()?;
        if count > self.0.len() {
            return Err(WRONG);
        }
        // A loop: what `collect` makes of errors is several hundred bytes for each type.
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn texts(&mut self) -> Read<Vec<&'w str>> {
        self.list(Self::text)
    }

    fn globs(&mut self, ignore_case: bool) -> Read<Globs> {
        Ok(Globs::new(self.texts()?, ignore_case))
    }

    fn parts(&mut self) -> Read<Parts> {
        let parts = self.list(|words| {
            Ok(match words.text()? {
                "attributes" => Part::Attributes,
                "events" => Part::Events,
                "links" => Part::Links,
                "resource" => Part::Resource,
                "scope" => Part::Scope,
                "name" => Part::Name,
                "status" => Part::Status,
                "eventName" => Part::EventName,
                "traceState" => Part::TraceState,
                _ => return Err(WRONG),
            })
        })?;
        Ok(parts.iter().fold(0, |parts, part| parts | part.bit()))
    }

    fn rule(&mut self, account: &mut Account) -> Read<Rule> {
        let id = account.add(self.text()?);
        let parts = self.parts()?;
        let ignore_case = self.flag()?;
        let keep_type = self.flag()?;
        let keys = self.globs(ignore_case)?;
        let except = self.globs(ignore_case)?;
        let unless = self.globs(false)?;
        let detectors = self.list(|words| Detector::named(words.text()?).ok_or(WRONG))?;
        let detectors: Detectors = detectors.iter().fold(0, |all, each| all | each.bit());
        let action = self.action(keep_type)?;
        if keys.is_empty() && detectors == 0 {
            return Err(WRONG);
        }
        Ok(Rule { id, parts, keys, except, unless, detectors, action, keep_type })
    }

    fn action(&mut self, keep_type: bool) -> Read<Action> {
        Ok(match self.text()? {
            "allow" => Action::Allow,
            "delete" => Action::Delete,
            "mask" => Action::Mask,
            "hash" => Action::Hash,
            "truncate" => Action::Truncate(self.count()?),
            "sql" => Action::Sql(match self.text()? {
                "auto" => None,
                "mysql" => Some(Dialect::MySql),
                "postgresql" => Some(Dialect::PostgreSql),
                "generic" => Some(Dialect::Generic),
                _ => return Err(WRONG),
            }),
            "url" => {
                Action::Url(self.texts()?.into_iter().map(|key| key.as_bytes().into()).collect())
            }
            "json" => {
                let (mask, hash) = (self.texts()?, self.texts()?);
                let keep = if self.flag()? { Some(self.texts()?) } else { None };
                let rule = JsonRule::new(&mask, &hash, keep.as_deref(), keep_type);
                Action::Json(rule.ok_or(WRONG)?)
            }
            _ => return Err(WRONG),
        })
    }

    fn condition(&mut self, depth: usize) -> Read<Condition> {
        if depth > MOST_CONDITIONS {
            return Err(WRONG);
        }
        let tests = self.list(|words| {
            Ok(match words.text()? {
                "name" => Test::Name(words.globs(false)?),
                "scopeName" => Test::ScopeName(words.globs(false)?),
                "status" => Test::Status(words.list(Self::number)?),
                "kind" => Test::Kind(words.list(Self::number)?),
                "durationMillis" => Test::DurationMillis(words.range()?),
                "attribute" => Test::Attribute(words.text()?.as_bytes().into(), words.value()?),
                "resource" => Test::Resource(words.text()?.as_bytes().into(), words.value()?),
                "not" => Test::Not(words.condition(depth + 1)?),
                _ => return Err(WRONG),
            })
        })?;
        Ok(Condition(tests))
    }

    fn range(&mut self) -> Read<Range> {
        let mut limit = || match self.text()? {
            "" => Ok(None),
            number => number.parse().map(Some).map_err(|_| WRONG),
        };
        Ok(Range { over: limit()?, under: limit()? })
    }

    fn value(&mut self) -> Read<ValueTest> {
        Ok(match self.text()? {
            "exists" => ValueTest::Exists(self.flag()?),
            "range" => ValueTest::Range(self.range()?),
            "any" => ValueTest::AnyOf(self.list(|words| {
                Ok(match words.simple()? {
                    attributes::Simple::Text(text) => {
                        Simple::Text(Globs::new([text.as_str()], false))
                    }
                    attributes::Simple::Number(number) => Simple::Number(number),
                    attributes::Simple::Bool(bool) => Simple::Bool(bool),
                })
            })?),
            _ => return Err(WRONG),
        })
    }

    fn simple(&mut self) -> Read<attributes::Simple> {
        Ok(match self.text()? {
            "text" => attributes::Simple::Text(self.text()?.to_owned()),
            "number" => attributes::Simple::Number(self.number()?),
            "boolean" => attributes::Simple::Bool(self.flag()?),
            _ => return Err(WRONG),
        })
    }

    fn attribute_rule(&mut self, account: &mut Account) -> Read<AttributeRule> {
        let id = account.add(self.text()?);
        let parts = self.parts()?;
        let condition = if self.flag()? { Some(self.condition(0)?) } else { None };
        let what = self.text()?;
        let key = self.text()?.to_owned();
        let change = match what {
            "insert" => Change::Insert(self.simple()?),
            "update" => Change::Update(self.simple()?),
            "upsert" => Change::Upsert(self.simple()?),
            "rename" => Change::Rename(self.text()?.to_owned()),
            "copy" => Change::Copy(self.text()?.to_owned()),
            "delete" => Change::Delete,
            _ => return Err(WRONG),
        };
        Ok(AttributeRule { id, parts, condition, key, change })
    }
}
