//! Rules that can be tried on a file, and what is wrong with those that cannot.

use belljar_sdk::Failure;
use boreal::Compiler;
use boreal::compiler::AddRuleError;
use boreal::compiler::CompilerParams;
use boreal::scanner::ScanParams;

use crate::STRING_MATCHES_MAX;
use crate::found::Matched;
use crate::found::Room;

/// Warnings beyond are left out.
const WARNINGS_MAX: usize = 100;

#[derive(Debug)]
pub struct Scanner {
    scanner: boreal::Scanner,
    /// What is odd about the rules.
    pub warnings: Vec<String>,
}

/// Compiles the rules.
///
/// # Errors
/// The first thing that is wrong with them, with its line and column.
pub fn scanner(rules: &str) -> Result<Scanner, Failure> {
    let mut compiler = Compiler::new();
    compiler.set_params(CompilerParams::default().disable_includes(true));
    let added = compiler.add_rules_str(rules);
    let added = added.map_err(|error| Failure::new(format!("the rules cannot be used: {}", told(&error, rules))))?;
    let warnings = added.warnings().take(WARNINGS_MAX).map(|warning| told(warning, rules)).collect();
    Ok(Scanner { scanner: compiler.finalize(), warnings })
}

impl Scanner {
    pub fn rule_count(&self) -> usize {
        self.scanner.rules().filter(|rule| !rule.is_private).count()
    }

    /// Tries the rules on these bytes; of each match so many bytes are shown.
    pub fn scan(&mut self, bytes: &[u8], shown_bytes: usize, room: &mut Room) -> Result<Vec<Matched>, Failure> {
        let params = ScanParams::default()
            .compute_full_matches(true)
            .match_max_length(shown_bytes)
            .string_max_nb_matches(STRING_MATCHES_MAX);
        self.scanner.set_scan_params(params);
        // There is no clock to end a scan by: fuel does.
        let result = self.scanner.scan_mem(bytes).map_err(|(error, _)| error)?;
        Ok(result.rules.into_iter().map(|rule| Matched::new(rule, &self.scanner, room)).collect())
    }
}

/// `line 3, column 5: unknown field "x"`.
fn told(error: &AddRuleError, rules: &str) -> String {
    let diagnostic = error.to_diagnostic();
    let label = diagnostic.labels.first();
    let more = label.map(|it| it.message.as_str()).filter(|it| !it.is_empty());
    let message = more.map_or(diagnostic.message.clone(), |more| format!("{}: {more}", diagnostic.message));
    let start = label.map_or(0, |it| it.range.start.min(rules.len()));
    let before = rules.get(..start).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("line {line}, column {column}: {message}")
}
