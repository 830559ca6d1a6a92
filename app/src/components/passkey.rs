//! A button that asks the browser for a passkey.

use std::future::Future;

use countersign_domain::{problem::Problem, view::PasskeyOptions};
use leptos::{prelude::*, task::spawn_local};

use super::form::{ErrorSummary, Weight};
use crate::{Error, answer::Answer, passkey};

/// What the button does with the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ceremony {
    /// Makes a passkey.
    Create,
    /// Signs with one.
    Get,
}

/// A button that fetches options, asks the authenticator, sends its answer, and loads the page that follows.
/// Without JavaScript it says what is missing.
#[component]
pub(crate) fn PasskeyButton<Begin, Asked, Finish, Told>(
    label: &'static str,
    weight: Weight,
    ceremony: Ceremony,
    begin: Begin,
    finish: Finish,
) -> impl IntoView
where
    Begin: Fn() -> Asked + Copy + Send + Sync + 'static,
    Asked: Future<Output = Result<PasskeyOptions, Error>>,
    Finish: Fn(String) -> Told + Copy + Send + Sync + 'static,
    Told: Future<Output = Result<Answer, Error>>,
{
    let ready = RwSignal::new(false);
    let pending = RwSignal::new(false);
    let problem = RwSignal::new(None::<Problem>);
    Effect::new(move || ready.set(true));
    let run = move || async move {
        let options = begin().await.map_err(|error| error.problem())?;
        let answer = match ceremony {
            Ceremony::Create => passkey::create(&options.json).await,
            Ceremony::Get => passkey::get(&options.json).await,
        };
        let answer = answer.map_err(not_made)?;
        finish(answer).await.map_err(|error| error.problem())
    };
    let press = move |_| {
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        problem.set(None);
        spawn_local(async move {
            match run().await {
                Ok(Answer::Done { to }) => passkey::go(&to),
                Ok(Answer::Refused { problem: refused }) | Err(refused) => problem.set(Some(refused)),
                Ok(_) => {}
            }
            pending.set(false);
        });
    };

    view! {
        <div class="grid gap-3">
            <ErrorSummary problem/>
            {move || match ready.get() {
                true => {
                    view! {
                        <button
                            type="button"
                            class=weight.class()
                            aria-disabled=move || pending.get().then_some("true")
                            on:click=press
                        >
                            {label}
                        </button>
                    }
                        .into_any()
                }
                false => view! { <p class="text-compact text-muted">{strings::SCRIPT}</p> }.into_any(),
            }}
        </div>
    }
}

/// The browser gave no answer.
pub(crate) fn not_made(why: String) -> Problem {
    Problem::new(countersign_domain::problem::Code::InvalidContent, why)
}

mod strings {
    pub(super) const SCRIPT: &str = "Passkeys need JavaScript in this browser.";
}
