//! `notify` in `POST /analyse`: what clients wish, and what of it can be.

use schemars::JsonSchema;
use serde::Deserialize;
use url::Host;
use url::Url;

use super::Notifier;
use super::address::Scheme;
use crate::analysis::schema::Invalid;
use crate::run::notice::Hook;
use crate::run::notice::Outcome;

/// Receivers in one question.
pub const HOOKS_MAX: usize = 4;
const URL_BYTES_MAX: usize = 2048;

/// One receiver.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Receiver")]
pub struct AskedHook {
    /// `https://…`; `http://…` only where the operator allows the address.
    pub url: String,
    /// The endings that are told; all if left out.
    #[serde(default = "all")]
    pub events: Vec<Outcome>,
    /// What calls are signed with: `whsec_` and 24 to 64 bytes in base64; the operator's secret if left out.
    #[serde(default)]
    pub secret: Option<String>,
}

fn all() -> Vec<Outcome> {
    Outcome::ALL.to_vec()
}

impl Notifier {
    /// What was asked for, if it can be.
    ///
    /// # Errors
    /// Everything that is wrong with it, by its place below `/notify`.
    pub fn check(&self, asked: Vec<AskedHook>) -> Result<Vec<Hook>, Vec<Invalid>> {
        if self.options.pending_max == 0 && !asked.is_empty() {
            let detail = "this server notifies nobody".to_owned();
            return Err(vec![Invalid { pointer: "/notify".to_owned(), detail }]);
        }
        if asked.len() > HOOKS_MAX {
            let detail = format!("at most {HOOKS_MAX} receivers in one question");
            return Err(vec![Invalid { pointer: "/notify".to_owned(), detail }]);
        }
        let mut hooks: Vec<Hook> = Vec::new();
        let mut wrong = Vec::new();
        for (number, asked) in asked.into_iter().enumerate() {
            let mut say = |member: &str, detail: String| {
                wrong.push(Invalid { pointer: format!("/notify/{number}/{member}"), detail });
            };
            let url = self.url(&asked.url).unwrap_or_else(|detail| {
                say("url", detail);
                String::new()
            });
            let secret = asked.secret.map(|it| it.parse()).transpose().unwrap_or_else(|error| {
                say("secret", format!("{error}"));
                None
            });
            if secret.is_none() && self.options.secret.is_none() {
                say("secret", "this server has no secret of its own to sign with: give one".to_owned());
            }
            if asked.events.is_empty() {
                say("events", "no ending is to be told; name some of `successful`, `failed`, `dismissed`".to_owned());
            }
            if hooks.iter().any(|it| it.url == url) {
                say("url", "this receiver is named twice".to_owned());
            }
            hooks.push(Hook::new(url, asked.events, secret));
        }
        if wrong.is_empty() { Ok(hooks) } else { Err(wrong) }
    }

    /// As it will be called. Names are looked at when they are, since what they stand for may change.
    fn url(&self, text: &str) -> Result<String, String> {
        if text.len() > URL_BYTES_MAX {
            return Err(format!("longer than {URL_BYTES_MAX} bytes"));
        }
        let mut url = Url::parse(text).map_err(|error| format!("no URL: {error}"))?;
        let reach = &self.options.reach;
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" if reach.has_own() => Scheme::Http,
            _ => return Err("only https:// is called".to_owned()),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a name or password does not belong into a URL; calls are signed instead".to_owned());
        }
        let literal = match url.host() {
            None => return Err("no host".to_owned()),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
        };
        if literal.is_some_and(|address| !reach.covers(address, scheme)) {
            return Err("this server does not call that address; its operator can allow it: --notify-allow".to_owned());
        }
        url.set_fragment(None);
        Ok(url.into())
    }
}
