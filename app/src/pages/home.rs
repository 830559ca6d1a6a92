//! `/`: leads everybody to the page of their role.

use countersign_domain::{role::Role, view::Me};
use leptos::prelude::*;

use crate::{
    components::page::{Empty, PageHeader, PageTitle, Refusal, TitleText},
    frame::{Around, Surroundings},
};

/// Leads to the page of the person's role.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    let around = Surroundings::get().around;

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <Suspense>
            {move || Suspend::new(async move {
                match around.await {
                    Ok(Around { me: Some(me), .. }) => lead(&me),
                    Ok(Around { me: None, .. }) => view! { <Lead path="/login"/> }.into_any(),
                    Err(error) => view! { <Refusal error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn lead(me: &Me) -> AnyView {
    match first_page(&me.roles) {
        Some(path) => view! { <Lead path/> }.into_any(),
        None => view! {
            <PageHeader title=|| strings::TITLE/>
            <Empty title=strings::NO_ROLE reason=strings::WHO_ASSIGNS>
                <a href="/" rel="external" class=crate::components::form::Weight::Primary.class()>
                    {strings::CHECK_AGAIN}
                </a>
            </Empty>
        }
        .into_any(),
    }
}

fn first_page(roles: &[Role]) -> Option<&'static str> {
    const FIRST: [(Role, &str); 7] = [
        (Role::Approver, "/queue"),
        (Role::SeniorApprover, "/queue"),
        (Role::Auditor, "/ledger"),
        (Role::Admin, "/admin/people"),
        (Role::ComplianceOfficer, "/queue"),
        (Role::PolicyAuthor, "/queue"),
        (Role::Viewer, "/queue"),
    ];
    FIRST.into_iter().find(|(role, _)| roles.contains(role)).map(|(_, path)| path)
}

#[component]
fn Lead(path: &'static str) -> impl IntoView {
    #[cfg(feature = "ssr")]
    {
        crate::request::redirect(path);
        view! { <a href=path>{path}</a> }.into_any()
    }
    #[cfg(not(feature = "ssr"))]
    view! { <leptos_router::components::Redirect path/> }.into_any()
}

mod strings {
    pub(super) const TITLE: &str = "Countersign";
    pub(super) const NO_ROLE: &str = "You have no role yet";
    pub(super) const WHO_ASSIGNS: &str = "Roles come from your groups at the sign-in provider, at each sign-in, or from an admin under People. Ask an admin for the role that you need: approver to review decisions, auditor to read decisions and the ledger, admin to run access.";
    pub(super) const CHECK_AGAIN: &str = "Check again";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_its_first_page() {
        assert_eq!(first_page(&[Role::Approver]), Some("/queue"));
        assert_eq!(first_page(&[Role::Auditor]), Some("/ledger"));
        assert_eq!(first_page(&[Role::Admin]), Some("/admin/people"));
        assert!(Role::ALL.iter().all(|role| first_page(&[*role]).is_some()));
        assert_eq!(first_page(&[]), None);
    }
}
