//! `GET /upload/<file_id>/analyses`: what can be run on this file, each with a question ready to be asked.

use serde_json::Value;
use serde_json::json;

use super::super::Api;
use super::super::analyse::on_a_thread;
use super::super::error::Problem;
use super::super::openapi::about::About;
use super::super::page;
use super::super::page::Asked;
use super::super::page::Page;
use super::super::path::Path;
use super::FILE_GONE;
use super::NO_FILE;
use super::find;
use super::view::Fit;
use super::view::Fitting;
use super::view::Ready;
use crate::id::AnalysisName;
use crate::registry::workshop::Analysis;
use crate::store::uploads::UploadFacts;

/// Examples of an author that are looked at for args.
const EXAMPLES_MAX: usize = 8;

/// The list.
pub const LIST: About =
    About::new("listFittingAnalyses", "What can be run on a file, each with a question ready to ask.")
        .refusing(&[NO_FILE, FILE_GONE]);

/// `GET /upload/<file_id>/analyses?limit&cursor`: those that accept its media type, by name.
pub async fn list(api: Api, Path(file_id): Path<String>, asked: Asked<AnalysisName>) -> Result<Page<Fitting>, Problem> {
    let facts = find(&api, &file_id)?;
    // With schemas at their bounds finding args takes a while.
    Ok(on_a_thread(&api, move |api| answer(api, &facts, &asked)).await?)
}

fn answer(api: &Api, facts: &UploadFacts, asked: &Asked<AnalysisName>) -> Page<Fitting> {
    let fitting = api.parts.registry.accepting(&facts.media_type);
    let (shown, last) = asked.cut(&fitting, |it| &it.descriptor.name);
    let path = format!("/upload/{}/analyses", facts.sha1);
    let next = last.map(|it| page::link(&path, asked.limit, &it.descriptor.name));
    let analyses = shown.iter().map(|it| view(it, facts)).collect();
    Page { members: Fitting { file_id: facts.sha1, media_type: facts.media_type.clone(), analyses }, next }
}

fn view(analysis: &Analysis, facts: &UploadFacts) -> Fit {
    let it = &analysis.descriptor;
    Fit {
        name: it.name.clone(),
        version: it.version.clone(),
        title: it.title.clone(),
        description: it.description.clone(),
        accepts: it.accepts.clone(),
        about: format!("/analyses/{}", it.name),
        question: Ready { file_id: facts.sha1, analysis: it.name.clone(), args: args(analysis) },
    }
}

/// Args that the analysis takes: its defaults, else those of one of its author's examples; null when neither will do.
fn args(analysis: &Analysis) -> Value {
    let examples = analysis.descriptor.examples.iter().take(EXAMPLES_MAX).filter_map(|it| it.get("args").cloned());
    let mut candidates = std::iter::once(json!({})).chain(examples);
    candidates.find_map(|args| analysis.args.canonical(args).ok()).map_or(Value::Null, |args| args.document())
}
