//! Redaction rules as they were compiled, and which of them concern a key.
//! It refuses to touch spans.

use super::{
    detect::{Detector, Detectors, find, possible},
    glob::{Globs, Lengths, length_bit},
    json::JsonRule,
    sql::Dialect,
};

/// Where attributes and texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Part {
    Attributes,
    Events,
    Links,
    Resource,
    Scope,
    Name,
    Status,
    EventName,
    TraceState,
}

/// A set of parts.
pub(super) type Parts = u16;

impl Part {
    pub(super) const COUNT: usize = 9;

    pub(super) fn bit(self) -> Parts {
        1 << self as u8
    }
}

/// What a rule does.
#[derive(Debug)]
pub(super) enum Action {
    Allow,
    Delete,
    Mask,
    Hash,
    Truncate(usize),
    /// `None`: as the database of the span says.
    Sql(Option<Dialect>),
    Url(Vec<Box<[u8]>>),
    Json(JsonRule),
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its place in the account.
    pub(super) id: usize,
    pub(super) parts: Parts,
    pub(super) keys: Globs,
    pub(super) except: Globs,
    /// Texts that it leaves alone.
    pub(super) unless: Globs,
    /// Of a rule with `match`.
    pub(super) detectors: Detectors,
    pub(super) action: Action,
    pub(super) keep_type: bool,
}

impl Rule {
    fn takes(&self, part: Part, key: &[u8]) -> bool {
        self.parts & part.bit() != 0
            && (self.keys.is_empty() || self.keys.matches(key))
            && !self.except.matches(key)
    }
}

/// Number of a rule in its stage.
pub(super) type Index = u16;
pub(super) const NONE: Index = Index::MAX;

/// What the rules of a stage say about one key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// The rule that deletes it.
    pub(super) gone: Index,
    /// The rule with an action of its own for texts: sql, url, json.
    pub(super) structured: Index,
    /// The one of the value around it, for what the own one spares.
    pub(super) outside: Index,
    /// The rule that takes whole values: mask, hash.
    pub(super) whole: Index,
    pub(super) truncate: Index,
    /// The rules that search texts, by their number among those.
    pub(super) searches: u128,
    pub(super) detectors: Detectors,
    /// The key itself holds something that is searched for.
    pub(super) is_key_hit: bool,
    /// It is too long to be judged.
    pub(super) is_unjudged: bool,
    /// It names the database.
    pub(super) is_db_system: bool,
}

/// A longer path is not compared with rules: what stands under it is masked.
pub(super) const MOST_PATH_BYTES: usize = 4096;

impl Verdict {
    /// Nothing happens to the value.
    pub(super) const NOTHING: Verdict = Verdict {
        gone: NONE,
        structured: NONE,
        outside: NONE,
        whole: NONE,
        truncate: NONE,
        searches: 0,
        detectors: 0,
        is_key_hit: false,
        is_unjudged: false,
        is_db_system: false,
    };

    /// What holds for a value inside of one that `outer` holds for.
    pub(super) fn inside(mut self, outer: &Verdict) -> Verdict {
        let or = |own: Index, outer: Index| if own == NONE { outer } else { own };
        self.outside = if self.structured == NONE { outer.outside } else { outer.structured };
        self.structured = or(self.structured, outer.structured);
        self.truncate = or(self.truncate, outer.truncate);
        self.searches |= outer.searches;
        self.detectors |= outer.detectors;
        self
    }
}

/// The rules of one source: of the program, or of its environment.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) rules: Vec<Rule>,
    /// By rule, which keys it may take at all: most are told from most rules by their length.
    may_take: Vec<MayTake>,
    /// The rules with `match`, by their place in `rules`.
    pub(super) searches: Vec<Index>,
    /// Parts that have a list of what may stay.
    allowed: Parts,
    /// Some rule judges keys.
    pub(super) has_keys: bool,
    /// By part, what is searched whatever the key.
    pub(super) everywhere: [Verdict; Part::COUNT],
    pub(super) has_sql: bool,
    /// Some rule searches texts that have no key.
    pub(super) searches_texts: bool,
}

/// What is asked of a rule before the rule is.
#[derive(Debug)]
struct MayTake {
    parts: Parts,
    lengths: Lengths,
}

/// Rules with `match` in one stage, at most.
pub(super) const MOST_SEARCHES: usize = 128;

impl Stage {
    pub(super) fn new(rules: Vec<Rule>) -> Stage {
        let numbered = || (0..NONE).zip(&rules);
        let searches: Vec<Index> =
            numbered().filter(|(_, rule)| rule.detectors != 0).map(|(at, _)| at).collect();
        let allowed = rules
            .iter()
            .filter(|rule| matches!(rule.action, Action::Allow))
            .fold(0, |parts, rule| parts | rule.parts);
        let mut everywhere = [Verdict::NOTHING; Part::COUNT];
        for (part, verdict) in everywhere.iter_mut().enumerate() {
            for (bit, rule) in searches.iter().filter_map(|at| rules.get(*at as usize)).enumerate()
            {
                if rule.parts >> part & 1 == 1 && rule.keys.is_empty() {
                    verdict.searches |= 1 << bit;
                    verdict.detectors |= rule.detectors;
                }
            }
        }
        let has_keys = rules.iter().any(|rule| !rule.keys.is_empty() || !rule.except.is_empty());
        let has_sql = rules.iter().any(|rule| matches!(rule.action, Action::Sql(None)));
        let may_take = rules
            .iter()
            .map(|rule| MayTake { parts: rule.parts, lengths: rule.keys.lengths() })
            .collect();
        let texts = [Part::Name, Part::Status, Part::EventName, Part::TraceState];
        let is_searched = |part: Part| {
            everywhere.get(part as usize).is_some_and(|verdict| verdict.detectors != 0)
        };
        let searches_texts = texts.into_iter().any(is_searched);
        Stage { searches_texts, may_take, searches, allowed, has_keys, everywhere, has_sql, rules }
    }

    pub(super) fn rule(&self, index: Index) -> Option<&Rule> {
        self.rules.get(index as usize)
    }

    /// The rules with `match` of a verdict, in their order.
    pub(super) fn searching(&self, verdict: &Verdict) -> impl Iterator<Item = &Rule> {
        let all = self.searches.iter().enumerate();
        let wanted = verdict.searches;
        all.filter(move |(bit, _)| wanted >> bit & 1 == 1).filter_map(|(_, at)| self.rule(*at))
    }

    /// Texts that have no key.
    pub(super) fn of_part(&self, part: Part) -> Verdict {
        self.everywhere.get(part as usize).copied().unwrap_or(Verdict::NOTHING)
    }

    /// What happens to what stands under `path`, whose last step is `key`.
    pub(super) fn judge(&self, part: Part, path: &[u8], key: &[u8], is_top: bool) -> Verdict {
        let mut verdict = Verdict::NOTHING;
        let is_judged = path.len() <= MOST_PATH_BYTES;
        verdict.is_unjudged = self.has_keys && !is_judged;
        verdict.is_db_system = self.has_sql && (key == b"db.system.name" || key == b"db.system");
        let mut is_allowed = self.allowed & part.bit() == 0 || !is_top;
        let mut key_detectors = 0;
        let length = if is_judged { length_bit(path.len()) } else { 0 };
        let may_take = |may: &MayTake| may.lengths & length != 0 && may.parts & part.bit() != 0;
        let candidates = (0..NONE).zip(&self.may_take).filter(|(_, may)| may_take(may));
        for (at, _) in candidates {
            let Some(rule) = self.rule(at).filter(|rule| rule.takes(part, path)) else { continue };
            let place = match rule.action {
                _ if rule.detectors != 0 => {
                    verdict.searches |= self.search_bit(at);
                    verdict.detectors |= rule.detectors;
                    if rule.keys.is_empty() {
                        key_detectors |= rule.detectors;
                    }
                    continue;
                }
                Action::Allow => {
                    is_allowed = true;
                    continue;
                }
                Action::Delete => &mut verdict.gone,
                Action::Mask | Action::Hash => &mut verdict.whole,
                Action::Truncate(_) => &mut verdict.truncate,
                _ => &mut verdict.structured,
            };
            if *place == NONE {
                *place = at;
            }
        }
        if !is_allowed {
            let of_list =
                |rule: &Rule| matches!(rule.action, Action::Allow) && rule.parts & part.bit() != 0;
            let list = (0..NONE).zip(&self.rules).find(|(_, rule)| of_list(rule));
            verdict.gone = list.map_or(NONE, |(at, _)| at);
        }
        if !is_judged {
            // What no list can name does not stay because of one.
            let Verdict { gone, is_unjudged, .. } = verdict;
            verdict = Verdict { gone, is_unjudged, ..self.of_part(part) };
            key_detectors = verdict.detectors;
        }
        if key_detectors != 0 {
            let mut hits = Vec::new();
            find(key, possible(key, key_detectors), &mut hits);
            hits.retain(|hit| !self.is_spared(&verdict, key, hit.range.clone(), hit.detector));
            verdict.is_key_hit = !hits.is_empty();
        }
        verdict
    }

    /// Of a rule with `match`, the bit that stands for it.
    fn search_bit(&self, rule: Index) -> u128 {
        let number = self.searches.binary_search(&rule);
        number.map_or(0, |number| 1 << number)
    }

    /// Whether every rule that searches for it leaves this one alone.
    fn is_spared(
        &self,
        verdict: &Verdict,
        text: &[u8],
        range: std::ops::Range<usize>,
        detector: Detector,
    ) -> bool {
        self.searcher(verdict, text.get(range).unwrap_or_default(), detector).is_none()
    }

    /// The first rule that searches for `found` and does not spare it.
    pub(super) fn searcher(
        &self,
        verdict: &Verdict,
        found: &[u8],
        detector: Detector,
    ) -> Option<&Rule> {
        self.searching(verdict)
            .find(|rule| rule.detectors & detector.bit() != 0 && !rule.unless.matches(found))
    }

    /// The first rule of the kind of `verdict.whole` that takes `text` as a whole.
    pub(super) fn whole(
        &self,
        verdict: &Verdict,
        text: Option<&[u8]>,
        part: Part,
        path: &[u8],
    ) -> Option<&Rule> {
        let is_whole =
            |rule: &Rule| matches!(rule.action, Action::Mask | Action::Hash) && rule.detectors == 0;
        self.unsparing(verdict.whole, text, part, path, is_whole)
    }

    /// The first rule that knows the form of `text` and does not spare it.
    pub(super) fn structured(
        &self,
        verdict: &Verdict,
        text: &[u8],
        part: Part,
        path: &[u8],
    ) -> Option<&Rule> {
        let is_structured =
            |rule: &Rule| matches!(rule.action, Action::Sql(_) | Action::Url(_) | Action::Json(_));
        let own = self.unsparing(verdict.structured, Some(text), part, path, is_structured);
        own.or_else(|| self.rule(verdict.outside).filter(|rule| !rule.unless.matches(text)))
    }

    /// The first rule that shortens `text` and does not spare it.
    pub(super) fn truncating(
        &self,
        verdict: &Verdict,
        text: &[u8],
        part: Part,
        path: &[u8],
    ) -> Option<&Rule> {
        let is_limit = |rule: &Rule| matches!(rule.action, Action::Truncate(_));
        self.unsparing(verdict.truncate, Some(text), part, path, is_limit)
    }

    /// The first rule of a phase, or the next one behind it that takes `path` and does not spare `text`.
    fn unsparing(
        &self,
        first: Index,
        text: Option<&[u8]>,
        part: Part,
        path: &[u8],
        is_of_phase: impl Fn(&Rule) -> bool,
    ) -> Option<&Rule> {
        let spares = |rule: &Rule| text.is_some_and(|text| rule.unless.matches(text));
        let rule = self.rule(first)?;
        if !spares(rule) {
            return Some(rule);
        }
        let behind = self.rules.get(first as usize + 1..).unwrap_or_default();
        behind.iter().find(|rule| is_of_phase(rule) && rule.takes(part, path) && !spares(rule))
    }
}
