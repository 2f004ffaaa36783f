//! What checking costs, before it is done.
//!
//! The unit is a part of a document held against a part of a schema, some ten nanoseconds. A text counts as a part for
//! every so many bytes of it, keys like values; a number held against `multipleOf` is worked out exactly, so that counts
//! as many; `uniqueItems` may compare each item with every other.

use serde_json::Value;

use super::pattern::automaton_bytes;

/// Most parts of a schema, references followed.
const PARTS_MAX: usize = 4000;
/// How deep its parts may lie in each other, references followed: building and checking go as deep.
const DEPTH_MAX: usize = 100;
/// Most patterns in a schema, references followed: each is matched against every text of a document.
const PATTERNS_MAX: usize = 64;
/// What the states of all its patterns may take, bytes.
const AUTOMATA_BYTES_MAX: usize = 1 << 20;
/// What an exact division costs.
const DIVISION: usize = 200;
/// A text counts as a part for so many bytes of it.
const PART_BYTES: usize = 64;
/// What names a part of a schema in a second way, or makes checking take exponentially long.
const REFUSED: [&str; 6] = ["$anchor", "$dynamicAnchor", "$id", "$schema", "unevaluatedItems", "unevaluatedProperties"];
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Of a schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Price {
    /// For each part of a document.
    each: usize,
    /// For each two parts of an array that may be compared.
    pairs: usize,
    /// Parts of all defaults together, at most.
    defaults: usize,
}

impl Price {
    /// Looks through a schema; it may not refer to anything outside itself.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(super) fn of_schema(source: &Value) -> Result<Self, String> {
        let mut expansion = Expansion {
            root: source,
            parts: 0,
            patterns: 0,
            automata_bytes: 0,
            divisions: 0,
            unique: 0,
            followed: Vec::new(),
        };
        expansion.measure(source, 0)?;
        let each = expansion.parts.saturating_add(expansion.divisions.saturating_mul(DIVISION));
        let mut pairs = 0;
        Ok(Self { each, pairs: expansion.unique, defaults: parts(source, &mut pairs) })
    }

    /// Of holding a document against it.
    pub(super) fn of_checking(&self, document: &Value) -> usize {
        let mut pairs = 0;
        let parts = parts(document, &mut pairs);
        parts.saturating_mul(self.each).saturating_add(pairs.saturating_mul(self.pairs))
    }

    /// The most that args of so many bytes can cost, with all defaults besides.
    pub(super) fn of_args_at_most(&self, bytes: usize) -> usize {
        let parts = self.defaults.saturating_add(bytes);
        let pairs = parts.saturating_mul(parts).saturating_mul(self.pairs);
        parts.saturating_mul(self.each).saturating_add(pairs)
    }
}

/// Parts of a document; adds those of its arrays that may be compared with each other, two by two.
fn parts(document: &Value, pairs: &mut usize) -> usize {
    let text = |text: &str| 1 + text.len() / PART_BYTES;
    match document {
        Value::Object(members) => {
            1 + members.iter().map(|(key, member)| text(key) + parts(member, pairs)).sum::<usize>()
        }
        Value::Array(items) => {
            let below = items.iter().map(|it| parts(it, pairs)).sum::<usize>();
            *pairs = pairs.saturating_add(items.len().saturating_mul(below));
            1 + below
        }
        Value::String(string) => text(string),
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}

/// A schema with its references followed, as the validator follows them.
struct Expansion<'a> {
    root: &'a Value,
    parts: usize,
    patterns: usize,
    automata_bytes: usize,
    divisions: usize,
    unique: usize,
    /// From the root to here.
    followed: Vec<&'a str>,
}

impl<'a> Expansion<'a> {
    fn measure(&mut self, part: &'a Value, depth: usize) -> Result<(), String> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err(format!("with its references followed it has more than {PARTS_MAX} parts"));
        }
        if depth > DEPTH_MAX {
            return Err(format!("with its references followed its parts lie more than {DEPTH_MAX} deep"));
        }
        match part {
            Value::Object(members) => {
                members.iter().try_for_each(|(name, member)| self.member((name, member), depth + 1))
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.measure(item, depth + 1)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn member(&mut self, (name, member): (&str, &'a Value), depth: usize) -> Result<(), String> {
        match (name, member) {
            // The root may say which draft it is of, and what it is called.
            ("$id", Value::String(_)) if depth == 1 => Ok(()),
            ("$schema", Value::String(draft)) if depth == 1 && draft.trim_end_matches('#') == DRAFT => Ok(()),
            (name, Value::String(_) | Value::Bool(_)) if REFUSED.contains(&name) => {
                Err(format!("`{name}` is not taken here"))
            }
            ("unevaluatedItems" | "unevaluatedProperties", _) => Err(format!("`{name}` is not taken here")),
            ("$ref", Value::String(target)) => self.follow(target, depth),
            ("$dynamicRef" | "$recursiveRef", Value::String(_)) => Err(format!("`{name}` is not taken here")),
            ("pattern", Value::String(pattern)) => self.patterned(pattern),
            ("patternProperties", Value::Object(by_pattern)) => {
                by_pattern.keys().try_for_each(|pattern| self.patterned(pattern))?;
                self.measure(member, depth)
            }
            ("multipleOf", Value::Number(_)) => {
                self.divisions += 1;
                Ok(())
            }
            ("uniqueItems", Value::Bool(true)) => {
                self.unique += 1;
                Ok(())
            }
            (_, member) => self.measure(member, depth),
        }
    }

    fn patterned(&mut self, pattern: &str) -> Result<(), String> {
        // It is held against a text like any part.
        self.parts += 1;
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            return Err(format!("with its references followed it has more than {PATTERNS_MAX} patterns"));
        }
        self.automata_bytes += automaton_bytes(pattern)?;
        if self.automata_bytes > AUTOMATA_BYTES_MAX {
            return Err("with its references followed its patterns are too large together".to_owned());
        }
        Ok(())
    }

    fn follow(&mut self, target: &'a str, depth: usize) -> Result<(), String> {
        if self.followed.contains(&target) {
            return Err(format!("`{target}` refers to itself; such schemas are not taken here"));
        }
        // Encoded, it would lead elsewhere than it seems to.
        let pointer = target.strip_prefix('#').filter(|it| it.is_empty() || it.starts_with('/'));
        let pointer = pointer.filter(|it| !it.contains('%'));
        let found = pointer.and_then(|it| self.root.pointer(it));
        let found = found.ok_or_else(|| format!("`$ref` takes a JSON pointer within the schema, not `{target}`"))?;
        if target == "#" {
            return Err("`#` refers to itself; such schemas are not taken here".to_owned());
        }
        self.followed.push(target);
        self.measure(found, depth)?;
        self.followed.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
