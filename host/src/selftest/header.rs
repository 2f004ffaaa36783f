//! The head of a hostile module's source: what it tries, and what becomes of it. Read at build time, so that a module
//! without a valid head is no module of the suite; hence without a word of the rest of this crate.
//!
//! ```text
//! ;; One sentence: what it tries, and what stops it.
//! ;; expect: out-of-fuel                  a reason, or `successful`, or `refused`
//! ;; limits: {"fuel_base": 50000000}      if it asks for any
//! ;; says: more work                      if the detail, the refusal or the result must contain something
//! ```

/// What ends a line that stands for many.
const TIMES: &str = ";; times ";

/// The head of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub tries: String,
    pub expect: String,
    /// JSON of the limits that it asks for.
    pub limits: String,
    pub says: String,
}

impl Header {
    /// Reads the comment lines at the top of a source.
    ///
    /// # Errors
    /// What is missing, or not known here.
    pub fn parse(source: &str) -> Result<Self, String> {
        let mut lines = source.lines().map_while(|line| line.strip_prefix(";; "));
        let tries = lines.next().ok_or("begins with no sentence")?.to_owned();
        if !tries.ends_with('.') {
            return Err("its first line is no sentence".to_owned());
        }
        let mut header = Self { tries, expect: String::new(), limits: "{}".to_owned(), says: String::new() };
        for line in lines {
            let (name, value) = line.split_once(": ").ok_or_else(|| format!("`{line}` is no `name: value`"))?;
            let member = match name {
                "expect" => &mut header.expect,
                "limits" => &mut header.limits,
                "says" => &mut header.says,
                other => return Err(format!("`{other}` is no member of a head")),
            };
            value.clone_into(member);
        }
        if header.expect.is_empty() {
            return Err("does not say what to expect".to_owned());
        }
        Ok(header)
    }
}

/// The source with every line that ends in `;; times N` written out N times.
///
/// # Errors
/// When N is no number.
pub fn expand(source: &str) -> Result<String, String> {
    let mut expanded = String::new();
    for line in source.lines() {
        let (line, times) = match line.split_once(TIMES) {
            Some((line, times)) => (line, times.parse().map_err(|_| format!("`{times}` is no number of times"))?),
            None => (line, 1),
        };
        for _ in 0..times {
            expanded.push_str(line);
            expanded.push('\n');
        }
    }
    Ok(expanded)
}
