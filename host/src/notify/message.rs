//! What a receiver is sent: a CloudEvent (CloudEvents 1.0.2, JSON format, structured mode), and the signature of Standard
//! Webhooks beside it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::Sha256;

use crate::id::AnalysisId;
use crate::id::AnalysisName;
use crate::id::FileId;
use crate::run::Failure;
use crate::run::Reason;
use crate::run::notice::NoticeId;
use crate::run::notice::Outcome;
use crate::run::notice::Secret;
use crate::store::notices::Notice;
use crate::time::Timestamp;

/// The media type of what receivers are sent.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// The same whenever it is told: a receiver knows by its id what it was told before.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: Bytes,
}

/// CloudEvents 1.0.2, sections "Required attributes" and "Optional attributes".
#[derive(Debug, Serialize, JsonSchema)]
pub struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    /// Relative to this server, which does not know by which name its clients reach it.
    source: &'a str,
    #[serde(rename = "type")]
    kind: String,
    subject: String,
    time: Timestamp,
    datacontenttype: &'static str,
    data: Data<'a>,
}

/// What there is to know; the rest is asked of the server.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EndedRun")]
struct Data<'a> {
    file_id: FileId,
    analysis_id: AnalysisId,
    analysis: &'a AnalysisName,
    status: Outcome,
    reason: Option<Reason>,
    detail: Option<&'a str>,
    results: &'a str,
}

impl Message {
    /// Of a run that has ended.
    pub(super) fn new(id: NoticeId, notice: &Notice) -> Option<Self> {
        let ended = notice.ended.as_ref()?;
        let (file_id, analysis_id) = (id.key.file_id, id.key.analysis_id);
        let results = format!("/results/{file_id}/{analysis_id}");
        let failure: Option<&Failure> = ended.failure.as_ref();
        let name = id.to_string();
        let event = CloudEvent {
            specversion: "1.0",
            id: &name,
            source: &results,
            kind: format!("belljar.run.{}", ended.outcome().as_str()),
            subject: format!("{file_id}/{analysis_id}"),
            time: ended.finished,
            datacontenttype: "application/json",
            data: Data {
                file_id,
                analysis_id,
                analysis: &notice.analysis,
                status: ended.outcome(),
                reason: failure.map(|it| it.reason),
                detail: failure.map(|it| it.detail.as_str()),
                results: &results,
            },
        };
        let body = serde_json::to_vec(&event).ok()?.into();
        Some(Self { id: name, body })
    }

    /// The value of `webhook-signature` for a call at that time, seconds since 1970 (Standard Webhooks, "Signature scheme").
    pub(super) fn signature(&self, secret: &Secret, unix_s: i64) -> String {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("a key of some length");
        mac.update(format!("{}.{unix_s}.", self.id).as_bytes());
        mac.update(&self.body);
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_others_sign_it() {
        let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let message = Message { id: "msg_1".to_owned(), body: Bytes::from_static(b"{\"a\":\"\xC3\xA9\"}") };
        let theirs = standardwebhooks::Webhook::new(text).unwrap().sign("msg_1", 1_614_265_330, &message.body).unwrap();
        assert_eq!(message.signature(&text.parse().unwrap(), 1_614_265_330), theirs);
    }
}
