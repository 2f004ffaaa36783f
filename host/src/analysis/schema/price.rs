//! What checking costs, before it is done.
//!
//! The unit is a part of a document held against a part of a schema, some ten nanoseconds. A text counts as a part for
//! every so many bytes of it, keys like values; each byte of it counts for every state of every pattern; a number held
//! against `multipleOf` is worked out exactly, so that counts as many; `uniqueItems` may compare each item with every other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pattern::steps;

/// Most parts of a schema, references followed.
const PARTS_MAX: usize = 4000;
/// How deep its parts may lie in each other, references followed: building and checking go as deep.
const DEPTH_MAX: usize = 100;
/// What all its different patterns may be long together, bytes.
const PATTERNS_BYTES_MAX: usize = 8 << 10;
/// Most patterns in a schema, references followed: each is matched against every text of a document.
const PATTERNS_MAX: usize = 64;
/// What an exact division costs.
const DIVISION: usize = 600;
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
    /// For each byte of a text: the steps of all patterns, each some fifteen nanoseconds.
    each_byte: usize,
    /// For each two parts of an array that may be compared.
    pairs: usize,
    /// Of all defaults together, at most.
    defaults: Size,
    /// What an error holds of it: the longest path to a part, references followed, and the largest constant, bytes.
    told_bytes: usize,
}

/// What an error takes besides the paths in it, bytes.
const ERROR_BYTES: usize = 512;

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
            known: BTreeMap::new(),
            steps: 0,
            path_bytes: 0,
            path_bytes_max: 0,
            constant_bytes_max: 0,
            divisions: 0,
            unique: 0,
            followed: Vec::new(),
        };
        expansion.measure(source, 0)?;
        Ok(Self {
            each: expansion.parts.saturating_add(expansion.divisions.saturating_mul(DIVISION)),
            each_byte: expansion.steps.saturating_mul(3).div_ceil(2),
            pairs: expansion.unique,
            defaults: Size::of_defaults(source),
            told_bytes: expansion.path_bytes_max.saturating_add(expansion.constant_bytes_max),
        })
    }

    /// Of holding what it fills in by itself against it.
    pub(super) fn of_defaults(&self) -> usize {
        self.of(self.defaults)
    }

    /// Of holding a document against it.
    pub(super) fn of_checking(&self, document: &Value) -> usize {
        self.of(Size::of(document))
    }

    /// What telling all that may be wrong with it takes, bytes: as many errors as there are parts to be held against each
    /// other, each with where it is, here and there.
    pub(super) fn of_telling(&self, document: &Value) -> usize {
        let each = ERROR_BYTES.saturating_add(longest_path(document)).saturating_add(self.told_bytes);
        Size::of(document).parts.saturating_mul(self.each).saturating_mul(each)
    }

    /// The most that args of so many bytes can cost, with all defaults besides.
    pub(super) fn of_args_at_most(&self, bytes: usize) -> usize {
        let parts = self.defaults.parts.saturating_add(bytes);
        let text_bytes = self.defaults.text_bytes.saturating_add(bytes);
        self.of(Size { parts, text_bytes, pairs: parts.saturating_mul(parts) })
    }

    fn of(&self, Size { parts, text_bytes, pairs }: Size) -> usize {
        let parts = parts.saturating_mul(self.each);
        parts.saturating_add(text_bytes.saturating_mul(self.each_byte)).saturating_add(pairs.saturating_mul(self.pairs))
    }
}

/// Of a document.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    parts: usize,
    /// Of all texts, keys among them, and one more for each: a pattern is begun at the end of a text as well.
    text_bytes: usize,
    /// Those of its arrays that may be compared with each other, two by two.
    pairs: usize,
}

impl Size {
    fn of(document: &Value) -> Self {
        let mut size = Self::default();
        size.add(document);
        size
    }

    /// Of all that a schema may fill in, wherever it stands.
    fn of_defaults(schema: &Value) -> Self {
        let mut size = Self::default();
        let mut left = vec![schema];
        while let Some(part) = left.pop() {
            match part {
                Value::Object(members) => {
                    for (name, member) in members {
                        if let Some(default) = member.get("default") {
                            size.add_text(name);
                            size.add(default);
                        }
                        left.push(member);
                    }
                }
                Value::Array(items) => left.extend(items),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
            }
        }
        size
    }

    fn add(&mut self, document: &Value) {
        match document {
            Value::Object(members) => {
                self.parts = self.parts.saturating_add(1);
                for (key, member) in members {
                    self.add_text(key);
                    self.add(member);
                }
            }
            Value::Array(items) => {
                let before = self.parts;
                items.iter().for_each(|it| self.add(it));
                let below = self.parts - before;
                self.pairs = self.pairs.saturating_add(items.len().saturating_mul(below));
                self.parts = self.parts.saturating_add(1);
            }
            Value::String(string) => self.add_text(string),
            Value::Null | Value::Bool(_) | Value::Number(_) => self.parts = self.parts.saturating_add(1),
        }
    }

    fn add_text(&mut self, text: &str) {
        self.parts = self.parts.saturating_add(1 + text.len() / PART_BYTES);
        self.text_bytes = self.text_bytes.saturating_add(1 + text.len());
    }
}

/// Of a part of a document, as a pointer, bytes: in one a byte may become two, and a number has some digits.
fn longest_path(document: &Value) -> usize {
    match document {
        Value::Object(members) => {
            members.iter().map(|(key, member)| 1 + 2 * key.len() + longest_path(member)).max().unwrap_or(0)
        }
        Value::Array(items) => items.iter().map(|it| 8 + longest_path(it)).max().unwrap_or(0),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// A schema with its references followed, as the validator follows them.
struct Expansion<'a> {
    root: &'a Value,
    parts: usize,
    patterns: usize,
    /// The steps of each pattern.
    known: BTreeMap<&'a str, usize>,
    /// Of all of them, as often as they are met.
    steps: usize,
    /// To here.
    path_bytes: usize,
    path_bytes_max: usize,
    constant_bytes_max: usize,
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

    fn member(&mut self, (name, member): (&'a str, &'a Value), depth: usize) -> Result<(), String> {
        let before = self.path_bytes;
        self.path_bytes = self.path_bytes.saturating_add(8 + 2 * name.len());
        self.path_bytes_max = self.path_bytes_max.max(self.path_bytes);
        let measured = self.member_here((name, member), depth);
        self.path_bytes = before;
        measured
    }

    fn member_here(&mut self, (name, member): (&'a str, &'a Value), depth: usize) -> Result<(), String> {
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
            ("const" | "enum", member) => {
                self.constant_bytes_max = self.constant_bytes_max.max(member.to_string().len());
                self.measure(member, depth)
            }
            (_, member) => self.measure(member, depth),
        }
    }

    fn patterned(&mut self, pattern: &'a str) -> Result<(), String> {
        // It is held against a text like any part.
        self.parts += 1;
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            return Err(format!("with its references followed it has more than {PATTERNS_MAX} patterns"));
        }
        self.constant_bytes_max = self.constant_bytes_max.max(pattern.len());
        let steps = match self.known.get(pattern) {
            Some(steps) => *steps,
            None => {
                if self.known.keys().map(|it| it.len()).sum::<usize>() + pattern.len() > PATTERNS_BYTES_MAX {
                    return Err(format!("its patterns have more than {PATTERNS_BYTES_MAX} bytes together"));
                }
                let steps = steps(pattern)?;
                self.known.insert(pattern, steps);
                steps
            }
        };
        self.steps = self.steps.saturating_add(steps);
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
