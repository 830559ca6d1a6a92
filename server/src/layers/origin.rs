use countersign_domain::problem::Code;
use http::{HeaderMap, header::ORIGIN};

use crate::{Refusal, config::Origin};

/// Lets a change through only when the browser shows that it comes from this site.
///
/// `Sec-Fetch-Site: same-origin` is proof. Where browsers do not send it (plain http, old ones) or
/// say `none`, an `Origin` equal to ours is; a request with neither is refused.
pub(super) fn check(headers: &HeaderMap, ours: &Origin) -> Result<(), Refusal> {
    let site = single(headers, "sec-fetch-site");
    let from_here = match site {
        Single::One("same-origin") => true,
        Single::One("none") | Single::Absent => single(headers, ORIGIN.as_str()) == Single::One(ours.as_str()),
        _ => false,
    };
    if from_here { Ok(()) } else { Err(refusal()) }
}

/// Lets a stream begin only for a page of this site; a browser that says nothing is let through,
/// because it sends the cookie only with requests of this site's own pages (`SameSite`).
pub(crate) fn check_stream(headers: &HeaderMap, ours: &Origin) -> Result<(), Refusal> {
    let site = single(headers, "sec-fetch-site");
    let origin = single(headers, ORIGIN.as_str());
    let from_here = matches!(site, Single::Absent | Single::One("same-origin" | "none"))
        && (origin == Single::Absent || origin == Single::One(ours.as_str()));
    if from_here { Ok(()) } else { Err(refusal()) }
}

fn refusal() -> Refusal {
    Refusal::new(
        Code::CrossOrigin,
        "Nothing was changed: the request did not come from a page of this installation. Open the page here and try again.",
    )
}

#[derive(PartialEq, Eq)]
enum Single<'a> {
    Absent,
    One(&'a str),
    Unclear,
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Single<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Single::Absent,
        (Some(value), None) => value.to_str().map_or(Single::Unclear, Single::One),
        _ => Single::Unclear,
    }
}
