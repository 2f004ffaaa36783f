//! `belljar top`: what a server is at, now and again, in a terminal. It asks as any client does, over HTTP.

mod frame;
mod sample;

use std::io::IsTerminal;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;
use url::Url;

use self::sample::Sample;
use super::say;
use crate::oci;

/// How long a server may take to answer one question.
const WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the server is. By TLS, whom this machine trusts is trusted; `SSL_CERT_FILE` names a file of others.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: Url,
    /// A file with a token of scope `admin`, where the server asks for one.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How often it is asked, seconds.
    #[arg(long, default_value = "1")]
    every_s: NonZeroU32,
    /// Asks twice, tells what there is and what happened in between, and ends.
    #[arg(long)]
    once: bool,
}

/// Shows until it is interrupted; where stdout is no terminal, one picture after the other.
pub(super) fn main(arguments: &Arguments) -> anyhow::Result<()> {
    let token = arguments
        .token_file
        .as_ref()
        .map(|path| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display())));
    let server = Server { url: arguments.url.clone(), token: token.transpose()?, agent: oci::agent(WITHIN) };
    let picture = picture();
    let every = Duration::from_secs(u32::from(arguments.every_s).into());
    let mut before = server.sample()?;
    loop {
        std::thread::park_timeout(every);
        let now = server.sample()?;
        let lines = frame::lines(&now, &before, &server.url);
        if picture.is_hidden() {
            lines.iter().for_each(|line| say(line));
        } else {
            picture.set_message(lines.join("\n"));
        }
        if arguments.once {
            picture.abandon();
            return Ok(());
        }
        before = now;
    }
}

/// Drawn over itself, where there is a terminal.
fn picture() -> ProgressBar {
    let there = std::io::stdout().is_terminal();
    let target = if there { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(None, target).with_style(style)
}

struct Server {
    url: Url,
    token: Option<String>,
    agent: ureq::Agent,
}

impl Server {
    fn sample(&self) -> anyhow::Result<Sample> {
        let [readyz, metrics, runs] = ["/readyz", "/metrics", "/runs"].map(|path| self.get(path));
        Sample::of(&readyz?, &metrics?, &runs?)
    }

    fn get(&self, path: &str) -> anyhow::Result<String> {
        let url = self.url.join(path)?;
        let mut request = self.agent.get(url.as_str());
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.trim()));
        }
        let mut answer = request.call().with_context(|| format!("cannot reach {url}"))?;
        let text = answer.body_mut().read_to_string()?;
        match answer.status().as_u16() {
            // Of `/readyz`: it answers all the same.
            200 | 503 => Ok(text),
            401 | 403 => anyhow::bail!(
                "{url} wants a token of scope `admin`: make one by `belljar token create NAME --tenant main --scope admin`, put it into a file, and name that by --token-file"
            ),
            status => anyhow::bail!("{url} answered {status}: {text}"),
        }
    }
}
