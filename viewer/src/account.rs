//! The account of what was read: nothing that is not shown goes without being counted, by its reason.

/// Why a line has no spans to show, or not all of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Skipped {
    /// It is no JSON, and no span could be saved from it.
    NotJson,
    /// JSON of something else.
    NotOtlp,
    /// Longer than any line that is read.
    TooLong,
    /// Logs, metrics or profiles.
    OtherSignal,
    /// The last one, without its end. Its whole spans are shown.
    Cut,
}

impl Skipped {
    pub const ALL: [Skipped; 5] =
        [Skipped::NotJson, Skipped::NotOtlp, Skipped::TooLong, Skipped::OtherSignal, Skipped::Cut];

    /// The name in `--json`.
    pub fn code(self) -> &'static str {
        match self {
            Skipped::NotJson => "not_json",
            Skipped::NotOtlp => "not_otlp",
            Skipped::TooLong => "too_long",
            Skipped::OtherSignal => "other_signal",
            Skipped::Cut => "cut",
        }
    }

    /// What a notice says about so many lines.
    pub fn words(self) -> &'static str {
        match self {
            Skipped::NotJson => "not JSON",
            Skipped::NotOtlp => "JSON, but not OTLP",
            Skipped::TooLong => "longer than 128 MiB",
            Skipped::OtherSignal => "logs, metrics or profiles",
            Skipped::Cut => "cut off at the end",
        }
    }
}

/// Lines and spans: `lines` is `parsed` and what was skipped; `seen` is what is shown, `duplicates` and `bad`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct LineCounts {
    /// Lines that are not blank.
    pub lines: u64,
    pub parsed: u64,
    skipped: [u64; Skipped::ALL.len()],
    /// Lines that had logs, metrics, profiles; a line may have spans besides.
    pub logs: u64,
    pub metrics: u64,
    pub profiles: u64,
    /// Spans, whether they can be shown or not.
    pub seen: u64,
    /// Spans that cannot be read.
    pub bad: u64,
}

impl LineCounts {
    pub fn skip(&mut self, reason: Skipped) {
        if let Some(count) = self.skipped.get_mut(reason as usize) {
            *count += 1;
        }
    }

    pub fn skipped(&self, reason: Skipped) -> u64 {
        self.skipped.get(reason as usize).copied().unwrap_or(0)
    }

    pub fn skipped_lines(&self) -> u64 {
        self.skipped.iter().sum()
    }

    pub fn add(&mut self, other: &LineCounts) {
        self.lines += other.lines;
        self.parsed += other.parsed;
        for (count, more) in self.skipped.iter_mut().zip(other.skipped) {
            *count += more;
        }
        self.logs += other.logs;
        self.metrics += other.metrics;
        self.profiles += other.profiles;
        self.seen += other.seen;
        self.bad += other.bad;
    }
}
