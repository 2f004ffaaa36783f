//! `GET /results/<f>`: everything that was asked of a file.

use super::super::Api;
use super::super::analyse::on_a_thread;
use super::super::error::Problem;
use super::super::openapi::about::About;
use super::super::page;
use super::super::page::Asked;
use super::super::page::Page;
use super::super::path::Path;
use super::super::upload;
use super::state;
use super::status;
use super::view;
use super::view::Listed;
use super::view::Results;
use crate::id::AnalysisId;
use crate::id::FileId;
use crate::id::RunKey;
use crate::run::Reason;
use crate::store::runs::RunConfig;
use crate::store::runs::RunState;

/// The list.
pub const LIST: About = About::new("listResults", "Everything that was asked of a file, by `analysis_id`.")
    .refusing(&[upload::NO_FILE, upload::FILE_GONE]);

/// `GET /results/<f>?limit&cursor`, by `analysis_id`.
pub async fn list(api: Api, Path(file_id): Path<String>, asked: Asked<AnalysisId>) -> Result<Page<Results>, Problem> {
    let file_id = upload::find(&api, &file_id)?.sha1;
    let (results, next) = runs(&api, (file_id, asked)).await?;
    Ok(Page { members: Results { file_id, results }, next })
}

/// Runs of a file, and the path to the next of them.
pub(in super::super) async fn runs(
    api: &Api,
    (file_id, asked): (FileId, Asked<AnalysisId>),
) -> Result<(Vec<Listed>, Option<String>), Problem> {
    let reading = on_a_thread(api, move |api| {
        let page = api.store.runs_of(file_id, asked.after, asked.limit)?;
        let views = page.entries.iter().map(|(key, config)| listed(api, *key, config));
        let views = views.filter_map(Result::transpose).collect::<Result<_, Problem>>()?;
        Ok((views, page.next.map(|after| page::link(&format!("/results/{file_id}"), asked.limit, after))))
    });
    reading.await?
}

/// None for a run that was never answered for.
fn listed(api: &Api, key: RunKey, config: &RunConfig) -> Result<Option<Listed>, Problem> {
    let reason: Option<Reason> = match state(api, key)? {
        RunState::Unknown => return Ok(None),
        RunState::Failed(failure) => Some(failure.reason),
        RunState::Pending | RunState::Successful => None,
    };
    Ok(Some(Listed {
        file_id: key.file_id,
        analysis_id: key.analysis_id,
        analysis: config.analysis.clone(),
        status: status(api, key)?,
        reason,
        revoked: api.parts.registry.revocation(config.module).is_some(),
        accepted: config.accepted,
        results: view::path(key),
    }))
}
