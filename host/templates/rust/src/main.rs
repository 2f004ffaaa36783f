use belljar_sdk::{Failure, Sample, analysis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// Shorter words do not count.
    #[serde(default)]
    letters_min: usize,
}

#[derive(Serialize, JsonSchema)]
struct Counted {
    words: usize,
}

/// Counts the words of a text.
#[analysis(
    accepts = ["text/*"],
    examples = [
        { "input_text": "one or two", "args": { "letters_min": 3 }, "result": { "words": 2 } },
        { "input_text": "très\n", "args": { "letters_min": 5 }, "result": { "words": 0 } },
    ]
)]
fn count(sample: Sample, args: Args) -> Result<Counted, Failure> {
    let text = std::io::read_to_string(sample).map_err(|_| Failure::new("this is not UTF-8 text"))?;
    let words = text.split_whitespace().filter(|word| word.chars().count() >= args.letters_min).count();
    Ok(Counted { words })
}
