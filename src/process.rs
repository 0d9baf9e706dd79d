//! What happens to spans between decode and encode: conditions see them as they came, then what is to be dropped goes, then
//! redaction, then the rules about attributes. The order of a user's rules never decides whether a secret leaves.
//! It refuses clocks, threads and sinks, and it has no error mode: what a rule cannot understand is replaced.

mod account;
mod attributes;
mod condition;
mod detect;
mod glob;
mod json;
mod plain;
mod recorded;
mod redact;
mod rule;
mod sql;
#[cfg(test)]
mod tests;
mod token;
mod url;
mod userinfo;

use bumpalo::Bump;

use self::{
    account::Account, attributes::AttributeRule, condition::Condition, rule::Stage, token::TokenKey,
};
pub use self::{
    account::FailClosed,
    recorded::{Place, Recorded},
};
use crate::{
    error::ConfigError,
    span::{SpanBatch, Text},
};

/// A compiled configuration with the account of its rules. It does not change, and all workers share it.
#[derive(Debug)]
pub struct Process {
    marker: String,
    key: Option<TokenKey>,
    drop: Vec<(usize, Condition)>,
    /// The environment's, the program's, and what shortens texts after both.
    stages: Vec<Stage>,
    attributes: Vec<AttributeRule>,
    account: Account,
    /// The phase that panics.
    #[cfg(test)]
    fault: Option<usize>,
}

/// What has become of a batch.
#[derive(Debug, Default)]
pub struct Processed {
    /// Spans that a rule has dropped.
    pub filtered: u32,
    /// Lines for the log, without anything of a span.
    pub lines: Vec<String>,
}

impl Process {
    /// Compiles the plain form that `js/config/process/plain.js` writes. `key` makes tokens.
    ///
    /// # Errors
    /// If it is not that form: JavaScript has checked what a user may get wrong.
    pub fn compile(words: &[String], key: Option<&[u8]>) -> Result<Process, ConfigError> {
        plain::compile(words, key.map(TokenKey::new))
    }

    /// Processes a batch; the text that it makes is in `arena`.
    pub fn apply<'a>(&'a self, batch: &mut SpanBatch<'a>, arena: &'a Bump) -> Processed {
        let spans = batch.spans.len();
        self.pass(0);
        self.filter(batch);
        let filtered = u32::try_from(spans - batch.spans.len()).unwrap_or(u32::MAX);
        let chosen = attributes::chosen(&self.attributes, batch);
        self.pass(1);
        for stage in &self.stages {
            redact::redact(self, stage, batch, arena);
        }
        self.pass(2);
        attributes::apply(self, &self.attributes, &chosen, batch);
        self.pass(3);
        Processed { filtered, lines: self.account.lines(spans as u64) }
    }

    /// A panic here, where a test asks for one.
    fn pass(&self, _phase: usize) {
        #[cfg(test)]
        assert!(self.fault != Some(_phase), "a fault of the test");
    }

    fn filter(&self, batch: &mut SpanBatch<'_>) {
        if self.drop.is_empty() {
            return;
        }
        let mut spans = std::mem::take(&mut batch.spans);
        spans.retain(|span| {
            let rule = self.drop.iter().find(|(_, condition)| condition.holds(batch, span));
            rule.inspect(|(id, _)| self.account.hit(*id)).is_none()
        });
        batch.spans = spans;
    }

    /// What redacts the values of a recorded span; what it makes is in `arena`.
    pub fn recorded<'a>(&'a self, arena: &'a Bump) -> Recorded<'a> {
        Recorded::new(self, arena)
    }

    /// Lines for the log that are due after so many more spans.
    pub fn lines(&self, spans: usize) -> Vec<String> {
        self.account.lines(spans as u64)
    }

    /// Whether it does nothing but redact.
    pub fn only_redacts(&self) -> bool {
        self.drop.is_empty() && self.attributes.is_empty()
    }

    /// Hits by rule, in the order of the rules.
    pub fn rules(&self) -> Vec<(String, u64)> {
        self.account.rules()
    }

    /// How often something was replaced because it could not be understood, by cause.
    pub fn fail_closed(&self) -> Vec<(&'static str, u64)> {
        self.account.fail_closed()
    }

    /// What stands in for a masked value.
    pub fn marker(&self) -> Text<'_> {
        Text::utf8(&self.marker)
    }

    fn key(&self) -> Option<&TokenKey> {
        self.key.as_ref()
    }
}
