//! The page for every address that names none.

use leptos::prelude::*;

use crate::components::{
    form::Weight,
    page::{PageHeader, PageTitle, TitleText},
};

/// Says that nothing is here, with the status that says the same to programs.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::request::status(404);

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <PageHeader title=|| strings::TITLE/>
        <div class="grid max-w-[60ch] justify-items-start gap-4 text-reading">
            <p>{strings::TEXT}</p>
            <a href="/" class=Weight::Plain.class()>
                {strings::HOME}
            </a>
        </div>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Not found";
    pub(super) const TEXT: &str =
        "There is nothing here that you may read. If you followed a link, ask whoever sent it for access.";
    pub(super) const HOME: &str = "Go to your first page";
}
