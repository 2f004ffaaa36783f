//! Those who are to be told how runs end, by a server that dies at any time.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use super::client::Client;
use crate::notify::receiver::Receiver;
use crate::notify::receiver::SECRET;

/// For the servers that are to tell them.
pub(crate) const ARGUMENTS: [&str; 4] = ["--notify-allow", "127.0.0.0/8", "--notify-retry-s", "0,0,0,0"];

/// Who is to be told, and of which runs that was promised.
pub(crate) struct News {
    receiver: Receiver,
    promised: BTreeSet<String>,
}

impl News {
    pub(crate) fn new() -> Self {
        Self { receiver: Receiver::willing(), promised: BTreeSet::new() }
    }

    /// A run that ends by itself, and one that does with its file; whether all of it was answered.
    pub(crate) fn live(&mut self, client: &Client, life: u64) -> bool {
        ["kept", "deleted"].into_iter().all(|fate| self.ask(client, &format!("news {fate} {life}")).is_some())
    }

    fn ask(&mut self, client: &Client, bytes: &str) -> Option<()> {
        let (_, uploaded) = client.post("/upload?filename=a.txt", bytes.as_bytes()).filter(|it| it.0 == 200)?;
        let uploaded: Value = serde_json::from_slice(&uploaded).unwrap();
        let file = uploaded["file_id"].as_str().unwrap();
        let notify = json!([{ "url": self.receiver.url(), "secret": SECRET }]);
        let question = json!({ "file_id": file, "analysis": "echo", "args": { "n": 0 }, "notify": notify });
        let (_, answer) = client.post("/analyse", question.to_string().as_bytes()).filter(|it| it.0 == 200)?;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        self.promised.insert(format!("{file}/{}", answer["analysis_id"].as_str().unwrap()));
        if bytes.contains("deleted") {
            client.delete(&format!("/upload/{file}")).filter(|it| it.0 == 204)?;
        }
        Some(())
    }

    /// All of it comes, by a server that lives; how many were promised, and how many calls came.
    pub(crate) fn all_come(self) -> (usize, usize) {
        let (mut missing, mut calls) = (self.promised.clone(), 0);
        while !missing.is_empty() {
            // Many came long ago: too long for their signatures.
            let event: Value = serde_json::from_slice(&self.receiver.next().body).unwrap();
            missing.remove(event["subject"].as_str().unwrap());
            calls += 1;
        }
        (self.promised.len(), calls)
    }
}
