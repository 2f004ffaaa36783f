//! Who is let in: by a token where the operator wants one, and to what its scopes allow.
//!
//! A token comes as `Authorization: Bearer` (RFC 6750), or, from the page, in a cookie that no script reads and that no page
//! of another site can use. `principal` finds out who it is before any route is looked for; each route then says what
//! its client must be allowed to do. A route that nobody has said that of is not reached.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::extract::Request;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::Serialize;

use super::Api;
use super::Clear;
use super::error::Problem;
use super::openapi::about::About;
use super::openapi::about::Field;
use super::openapi::about::Form;
use super::openapi::answer::Answer;
use super::openapi::answer::Answers;
use super::openapi::answer::NoContent;
use super::openapi::answer::Told;
use super::openapi::schemas::Schemas;
use super::origin;
use super::upload;
use crate::access::Scope;
use crate::access::Token;
use crate::id::ClientId;
use crate::keys::Demand;
use crate::keys::Refused;
use crate::quota::Left;
use crate::quota::Payer;
use crate::store::Store;
use crate::time::Timestamp;

const COOKIE: &str = "belljar-token";

/// What a route wants of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it tells nothing of anybody's.
    Nothing,
    /// Any token.
    Token,
    Scope(Scope),
}

/// Who asks. Where it is not told, nobody is let in.
#[derive(Debug, Clone)]
pub(super) enum Principal {
    /// No token is wanted here.
    Anybody(ClientId),
    /// One is wanted, and there is none, or none that counts: such a one comes as far as somebody without.
    Nobody(Refused),
    Holder(Arc<Holder>),
}

/// Who has a token, with all that is of its tenant.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) token: Arc<Token>,
    pub(super) store: Arc<Store>,
}

impl Principal {
    /// Whether it may.
    fn may(&self, need: Need) -> Result<(), Problem> {
        match (self, need) {
            (Self::Anybody(_), _) | (_, Need::Nothing) | (Self::Holder(_), Need::Token) => Ok(()),
            (Self::Nobody(refused), _) => Err(Problem::unauthorized(refused.to_string())),
            (Self::Holder(holder), Need::Scope(scope)) if holder.token.scopes.contains(&scope) => Ok(()),
            (Self::Holder(_), Need::Scope(scope)) => Err(Problem::out_of_scope(scope)),
        }
    }
}

/// Finds out who asks.
///
/// # Errors
/// Of the disk, when a tenant is here for the first time.
pub(super) fn principal(api: &Api, request: &Request) -> io::Result<Principal> {
    if api.keys.demand() == Demand::None {
        return Ok(Principal::Anybody(client(request.extensions())));
    }
    // A page of another site may have a token of its own, and not the cookie of this one's.
    let presented = in_field(request.headers()).unwrap_or_else(|| {
        let cookie = in_cookie(request.headers()).filter(|_| !origin::is_of_another(request));
        cookie.ok_or(Refused::Nothing)
    });
    let looked = presented.and_then(|it| api.keys.look_at(it, api.parts.clock.now()));
    let token = match looked {
        Ok(token) => token,
        Err(refused) => return Ok(Principal::Nobody(refused)),
    };
    let (stores, tenant) = (&api.parts.stores, token.tenant);
    let store = match stores.known(tenant) {
        Some(store) => store,
        // Once in a server's life.
        None => tokio::task::block_in_place(|| stores.of(tenant))?,
    };
    Ok(Principal::Holder(Arc::new(Holder { token, store })))
}

/// Who takes turns with others where nobody has a name: by the address that a request comes from.
pub(super) fn client(extensions: &Extensions) -> ClientId {
    extensions.get::<IpAddr>().map_or_else(ClientId::default, |it| ClientId::from(*it))
}

/// Counts before a cookie.
fn in_field(headers: &HeaderMap) -> Option<Result<&str, Refused>> {
    let field = headers.get(header::AUTHORIZATION)?;
    let (scheme, token) = field.to_str().ok().and_then(|it| it.split_once(' ')).unwrap_or_default();
    Some(if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Refused::NoToken) })
}

fn in_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, token)| token)
}

/// Lets through who may do what a route is for.
///
/// # Errors
/// What to answer to others.
pub(super) fn check(need: Need, request: &Request) -> Result<(), Problem> {
    let principal = request.extensions().get::<Principal>();
    principal.map_or_else(|| Err(Problem::unauthorized("nobody is let in")), |it| it.may(need))
}

/// Who one is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Me {
    /// For people; none where no token is wanted.
    name: Option<String>,
    /// Whose files these are.
    tenant: String,
    /// What one may do.
    scopes: Vec<Scope>,
    /// When the token ends.
    expires: Option<Timestamp>,
    /// What is left of what one may use; what is not named is not bounded.
    quotas: Vec<Left>,
}

/// Of `me`.
pub const ME: About = About::new("showMe", "Who one is here, and what one may do.").needing(Need::Token);

/// `GET /me`.
pub async fn me(api: Api) -> Result<Json<Me>, Problem> {
    let tenant = api.store.tenant().to_string();
    let Some(token) = &api.token else {
        return Ok(Json(Me { name: None, tenant, scopes: Scope::ALL.into(), expires: None, quotas: Vec::new() }));
    };
    let mut quotas = api.parts.ledger.left(Payer::from(&**token), api.parts.clock.now());
    quotas.extend(upload::room::left(&api).await?);
    let scopes = token.scopes.iter().copied().collect();
    Ok(Json(Me { name: Some(token.name.clone()), tenant, scopes, expires: token.expires, quotas }))
}

/// How a browser stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// No token is wanted here.
    Open,
    /// It is let in.
    In,
    /// A token is wanted, and it has none.
    Out,
    /// What it has is no token, or none that is known here any more.
    Unknown,
    /// Its token has ended.
    Expired,
}

/// Who a browser is here.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Session {
    standing: Standing,
    /// Of the token, for people.
    name: Option<String>,
    /// Whose files it sees.
    tenant: Option<String>,
}

/// Of `session`.
pub const SESSION: About =
    About::new("showSession", "Whether a browser is let in, which is told to whoever asks.").needing(Need::Nothing);

/// `GET /session`: what `GET /me` would refuse to tell.
pub(super) async fn session(Extension(principal): Extension<Principal>) -> Json<Session> {
    let nobody = |standing| Session { standing, name: None, tenant: None };
    Json(match principal {
        Principal::Anybody(_) => nobody(Standing::Open),
        Principal::Nobody(Refused::Nothing) => nobody(Standing::Out),
        Principal::Nobody(Refused::NoToken | Refused::Unknown) => nobody(Standing::Unknown),
        Principal::Nobody(Refused::Expired) => nobody(Standing::Expired),
        Principal::Holder(it) => Session {
            standing: Standing::In,
            name: Some(it.token.name.clone()),
            tenant: Some(it.token.tenant.to_string()),
        },
    })
}

/// A cookie is set.
#[derive(Debug)]
pub enum SignedIn {}

impl Answers for SignedIn {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        let cookie = Field::new("Set-Cookie", Form::Text, "The token, for the page alone.").sometimes();
        vec![Answer::new(204, "Every request of this browser has the token from now on.").with(&[cookie])]
    }
}

/// Of `sign_in`.
pub const SIGN_IN: About =
    About::new("signIn", "Keeps the token of `Authorization` in a cookie, for a browser.").needing(Need::Token);

/// `PUT /session`.
pub async fn sign_in(api: Api, headers: HeaderMap) -> Result<Told<SignedIn>, Problem> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let token = in_field(&headers).and_then(Result::ok).or_else(|| in_cookie(&headers));
    if let Some(token) = token.filter(|_| api.token.is_some()) {
        let secure = if api.clear == Clear::No { "; Secure" } else { "" };
        let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}");
        let cookie = HeaderValue::try_from(cookie).map_err(|_| Problem::unauthorized("this is no token"))?;
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(Told::new(response))
}

/// Of `sign_out`.
pub const SIGN_OUT: About = About::new("signOut", "Makes a browser forget its token.").needing(Need::Nothing);

/// `DELETE /session`.
pub async fn sign_out() -> Told<NoContent> {
    let gone = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    Told::new((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]))
}
