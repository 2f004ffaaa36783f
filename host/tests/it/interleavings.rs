//! A file is deleted and uploaded again, in every order with runs of it on their way: what answers is always what there
//! is by then, and nothing of a former life of the file comes back.

use std::thread;

use serde_json::json;

use crate::flows::COPIER;
use crate::flows::SLEEPER;
use crate::server::Server;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Upload,
    Delete,
    /// A run that is on its way for longer than the sequence.
    Sleep,
    /// A run that ends at once, with an artifact.
    Copy,
    Dismiss,
}

const STEPS: [Step; 5] = [Step::Upload, Step::Delete, Step::Sleep, Step::Copy, Step::Dismiss];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Here,
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asleep {
    No,
    Yes,
    Dismissed,
}

/// What there is, in so many words.
struct Model {
    place: Place,
    asleep: Asleep,
    copied: bool,
}

impl Model {
    /// The status of an answer about the file, or about what belongs to it.
    fn of_file(&self, here: u16) -> u16 {
        match self.place {
            Place::Here => here,
            Place::Gone => 410,
        }
    }

    fn take(&mut self, step: Step) -> u16 {
        let here = self.place == Place::Here;
        match step {
            Step::Upload => {
                self.place = Place::Here;
                200
            }
            Step::Delete => {
                let status = self.of_file(204);
                if here {
                    *self = Self { place: Place::Gone, asleep: Asleep::No, copied: false };
                }
                status
            }
            Step::Sleep => {
                self.asleep = if here { Asleep::Yes } else { self.asleep };
                self.of_file(200)
            }
            Step::Copy => {
                self.copied |= here;
                self.of_file(200)
            }
            Step::Dismiss => match self.asleep {
                _ if !here => self.of_file(404),
                Asleep::No => 404,
                Asleep::Yes => {
                    self.asleep = Asleep::Dismissed;
                    204
                }
                Asleep::Dismissed => {
                    self.asleep = Asleep::No;
                    204
                }
            },
        }
    }
}

/// One file and its two runs, by what they are called.
struct Subject<'a> {
    server: &'a Server,
    bytes: Vec<u8>,
    file: String,
    asleep: String,
    copied: String,
}

impl<'a> Subject<'a> {
    /// The ids follow from what is asked; asked once, they are known, and nothing of it stays.
    fn new(server: &'a Server, number: usize) -> Self {
        let bytes = format!("interleaved {number}").into_bytes();
        let file = server.upload("a.txt", &bytes);
        let asleep = server.analyse(&file, "sleeper", json!({}));
        let copied = server.analyse(&file, "copier", json!({}));
        Self { server, bytes, file, asleep, copied }
    }

    fn take(&self, step: Step) -> u16 {
        let ask = |analysis| {
            let question = json!({ "file_id": self.file, "analysis": analysis }).to_string();
            self.server.post("/analyse", &[], question.as_bytes()).status
        };
        match step {
            Step::Upload => self.server.post("/upload?filename=a.txt", &[], &self.bytes).status,
            Step::Delete => self.server.delete(&format!("/upload/{}", self.file)).status,
            Step::Sleep => ask("sleeper"),
            Step::Copy => ask("copier"),
            Step::Dismiss => self.server.delete(&format!("/results/{}", self.asleep)).status,
        }
    }

    fn agrees(&self, model: &Model, at: &str) {
        let get = |path: String| self.server.get(&path).status;
        assert_eq!(get(format!("/upload/{}", self.file)), model.of_file(200), "{at}: the upload");
        assert_eq!(get(format!("/download/{}/a.txt", self.file)), model.of_file(200), "{at}: its bytes");
        let asleep = match model.asleep {
            Asleep::No => 404,
            Asleep::Yes => 202,
            Asleep::Dismissed => 410,
        };
        assert_eq!(get(format!("/results/{}", self.asleep)), model.of_file(asleep), "{at}: the run on its way");
        let copied = self.server.result(&self.copied);
        assert_eq!(copied.status, model.of_file(if model.copied { 200 } else { 404 }), "{at}: the run that ended");
        if copied.status == 200 {
            let copy = self.server.get(copied.json()["copy"].as_str().unwrap()).expect(200);
            assert_eq!(copy.body, self.bytes, "{at}: the artifact");
        }
    }
}

fn server() -> Server {
    // Slots enough for every run that sleeps.
    let analyses = [("sleeper", SLEEPER, json!({})), ("copier", COPIER, json!({}))];
    Server::start_with(&analyses, &["--workers", "8", "--durability", "process"])
}

/// All sequences of four steps; the first is from a file that was deleted with both runs in place.
#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn in_every_order_the_answers_are_of_what_there_is() {
    let server = server();
    let count = STEPS.len().pow(4);
    let lanes: usize = 4;
    thread::scope(|scope| {
        for lane in 0..lanes {
            let server = &server;
            scope.spawn(move || {
                for number in (lane..count).step_by(lanes) {
                    let steps: Vec<_> = (0..4).map(|at| STEPS[number / STEPS.len().pow(at) % STEPS.len()]).collect();
                    sequence(server, number, &steps);
                }
            });
        }
    });
    println!("{count} sequences of deletion, upload and runs");
    assert_eq!(server.lying_in("queue"), Vec::<String>::new());
    assert_eq!(server.lying_in("staging"), Vec::<String>::new());
}

fn sequence(server: &Server, number: usize, steps: &[Step]) {
    let subject = Subject::new(server, number);
    let mut model = Model { place: Place::Here, asleep: Asleep::Yes, copied: true };
    for (at, step) in steps.iter().enumerate() {
        let expected = model.take(*step);
        assert_eq!(subject.take(*step), expected, "{:?}", &steps[..=at]);
    }
    subject.agrees(&model, &format!("{steps:?}"));
    subject.take(Step::Delete);
}

/// The same at the same time: which order it was cannot be told, but it was one.
#[test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them")]
fn at_the_same_time_it_is_as_if_one_came_after_the_other() {
    let mut server = server();
    let rounds = 150;
    for round in 0..rounds {
        let subject = Subject::new(&server, round);
        let answers: Vec<(Step, u16)> = thread::scope(|scope| {
            let steps =
                [Step::Delete, Step::Upload, Step::Copy, Step::Sleep, Step::Delete, Step::Dismiss, Step::Upload];
            let subject = &subject;
            let clients: Vec<_> = steps.map(|step| scope.spawn(move || (step, subject.take(step)))).into();
            clients.into_iter().map(|it| it.join().unwrap()).collect()
        });
        for (step, status) in &answers {
            let possible: &[u16] = match step {
                Step::Upload => &[200],
                Step::Delete => &[204, 404, 410],
                Step::Sleep | Step::Copy => &[200, 404, 410],
                Step::Dismiss => &[204, 404, 410],
            };
            assert!(possible.contains(status), "{answers:?}");
        }
        let here = server.get(&format!("/upload/{}", subject.file)).status;
        assert!(matches!(here, 200 | 410), "{answers:?}: {here}");
        // Whatever it is now, from here on it is as it should be.
        subject.take(Step::Delete);
        assert_eq!(subject.take(Step::Upload), 200);
        let model = Model { place: Place::Here, asleep: Asleep::No, copied: false };
        subject.agrees(&model, &format!("{answers:?}"));
        assert_eq!(subject.take(Step::Copy), 200);
        subject.agrees(&Model { copied: true, ..model }, "after all of it");
        assert_eq!(subject.take(Step::Delete), 204);
    }
    println!("{rounds} rounds of seven requests at the same time");
    assert_eq!(server.lying_in("queue"), Vec::<String>::new());
    server.stop();
    let report = host::store::Store::hold(&server.data()).unwrap().check().unwrap();
    assert_eq!((report.faults().count(), report.uploads, report.runs), (0, 0, 0), "{report:#?}");
}
