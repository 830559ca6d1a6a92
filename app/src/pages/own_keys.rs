//! `/me/keys`: every key, each that can be changed with the form that does, and the switch of them all.

use countersign_domain::{
    keyboard::{Bound, KeyMap},
    problem::Problem,
    view::Me,
};
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    Error,
    answer::{Answer, refused, typed},
    components::{
        form::{ErrorSummary, Weight, error_of},
        icons::{Icon, Shape},
        page::{PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
    },
    frame::{Around, Surroundings},
    keys::{Key, PLACES, TABLE, shown, shown_place},
    wire::Json,
};

/// Gives something another key of the person's.
#[server(prefix = "/act", endpoint = "bind-key", output = Json)]
pub(crate) async fn bind_key(command: Bound, #[server(default)] key: String) -> Result<Answer, Error> {
    use countersign_domain::keyboard::KeyName;
    use countersign_engine::keyboard;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let key = match KeyName::new(&key) {
        Ok(key) => key,
        Err(why) => return Ok(told(Err(keyboard::refused(command, why).into()))),
    };
    let done = act(async move { keyboard::bind(&engine, &caller, command, key).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Gives one thing everybody's key again; without one, all of them.
#[server(prefix = "/act", endpoint = "reset-key", output = Json)]
pub(crate) async fn reset_key(command: Option<Bound>) -> Result<Answer, Error> {
    use countersign_engine::keyboard;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { keyboard::reset(&engine, &caller, command).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Lets keys of one character do nothing for the person, or something again.
#[server(prefix = "/act", endpoint = "switch-keys", output = Json)]
pub(crate) async fn switch_keys(off: bool) -> Result<Answer, Error> {
    use countersign_engine::keyboard;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { keyboard::switch(&engine, &caller, off).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Address of the page.
pub(crate) const PAGE: &str = "/me/keys";

/// The page of one's own keys. Its forms are plain: the whole document learns the keys anew.
#[component]
pub(crate) fn OwnKeysPage() -> impl IntoView {
    let around = Surroundings::get().around;
    let problem = refused::<BindKey>().or_else(refused::<ResetKey>).or_else(refused::<SwitchKeys>);

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <div class="mb-2 text-compact text-muted print:hidden">
            <a href="/me" class="inline-flex items-center gap-1 rounded-chip hover:text-text hover:underline no-underline">
                <Icon shape=Shape::Back class="size-4"/>
                {strings::YOU}
            </a>
        </div>
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-muted">{strings::INTRO}</p>
        </PageHeader>
        <div class="grid max-w-3xl gap-6">
            <ErrorSummary problem=Signal::stored(problem.clone())/>
            <Suspense fallback=|| {
                view! { <Skeleton rows=5/> }
            }>
                {
                    let problem = problem.clone();
                    move || {
                        let problem = problem.clone();
                        Suspend::new(async move {
                            match around.await {
                                Ok(Around { me: Some(Me { keys, .. }), .. }) => view! { <Keys keys problem/> }.into_any(),
                                Ok(Around { me: None, .. }) => ().into_any(),
                                Err(error) => view! { <Refusal error/> }.into_any(),
                            }
                        })
                    }
                }
            </Suspense>
        </div>
    }
}

#[component]
fn Keys(keys: KeyMap, problem: Option<Problem>) -> impl IntoView {
    let changed = !keys.changed.is_empty();
    let off = keys.off;
    let (state, change) = if off { (strings::OFF, strings::SWITCH_ON) } else { (strings::ON, strings::SWITCH_OFF) };
    let bound = Bound::ALL
        .iter()
        .copied()
        .map(|bound| view! { <Row bound keys=keys.clone() problem=problem.clone()/> }.into_any())
        .collect_view();
    let map = keys.clone();
    let fixed = TABLE
        .into_iter()
        .filter(|key| !key.presses.iter().any(|press| Bound::of(press).is_some()))
        .map(|Key { keys, what, .. }| view! { <Fixed keys=shown(&map, keys) what=what.to_owned()/> })
        .collect_view();
    let places = PLACES
        .map(|place| {
            let what = format!("Go to {}, where you have it", place.label);
            view! { <Fixed keys=shown_place(&keys, &place) what/> }
        })
        .collect_view();

    view! {
        <Panel title=strings::ALL>
            <p class="max-w-measure">{state}</p>
            <form method="post" action=SwitchKeys::PATH>
                <input type="hidden" name="off" value=(!off).to_string()/>
                <button type="submit" class=Weight::Plain.class()>
                    {change}
                </button>
            </form>
        </Panel>
        <Panel title=strings::YOURS>
            <p class="max-w-measure text-compact text-muted">{strings::RULES}</p>
            <ul class="divide-y divide-hairline">{bound}</ul>
            {changed
                .then(|| {
                    view! {
                        <form method="post" action=ResetKey::PATH>
                            <button type="submit" class=Weight::Ending.class()>
                                {strings::RESET_ALL}
                            </button>
                        </form>
                    }
                })}
        </Panel>
        <Panel title=strings::FIXED>
            <p class="max-w-measure text-compact text-muted">{strings::FIXED_TEXT}</p>
            <dl class="grid gap-2">{fixed} {places}</dl>
        </Panel>
    }
}

/// What a key does, the key, and the form that changes it.
#[component]
fn Row(bound: Bound, keys: KeyMap, problem: Option<Problem>) -> impl IntoView {
    let field = format!("key-{}", bound.word());
    let error = problem.and_then(|problem| error_of(&problem, &field));
    let error_id = format!("{field}-error");
    let key = keys.key(bound).to_owned();
    let typed_here = typed::<BindKey>("command") == bound.word();
    let value = if error.is_some() && typed_here { typed::<BindKey>("key") } else { key.clone() };
    let described = error.is_some().then(|| error_id.clone());
    let invalid = error.is_some().then_some("true");
    let what = TABLE.into_iter().find(|row| row.presses.contains(&bound.key())).map_or(strings::GO, |row| row.what);
    let label = format!("{}: {}", strings::KEY_OF, bound.name());
    let (change, reset) =
        (format!("{}: {}", strings::CHANGE, bound.name()), format!("{}: {}", strings::RESET, bound.name()));
    let off = keys.off;
    let first = bound.key();

    view! {
        <li class="grid gap-2 py-3 sm:grid-cols-[minmax(0,1fr)_auto] sm:items-center sm:gap-4">
            <div class="min-w-0">
                <p class="font-medium">{what}</p>
                <p class="text-compact text-muted">
                    {if off { strings::SWITCHED_OFF } else { strings::NOW }} " "
                    <kbd class="font-mono text-text">{key}</kbd>
                    {keys.is_changed(bound).then(|| view! { ", " {strings::EVERYBODY} " " <kbd class="font-mono">{first}</kbd> })}
                </p>
            </div>
            <div class="flex flex-wrap items-center gap-2">
                <form method="post" action=BindKey::PATH class="flex items-center gap-2">
                    <input type="hidden" name="command" value=bound.word()/>
                    <label for=field.clone() class="sr-only">
                        {label}
                    </label>
                    <input
                        id=field
                        name="key"
                        type="text"
                        value=value
                        required
                        maxlength="20"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        aria-describedby=described
                        aria-invalid=invalid
                        class="block min-h-11 w-20 rounded-control border border-control bg-surface px-2.5 text-center font-mono text-body text-text aria-[invalid]:border-reject sm:min-h-9"
                    />
                    <button type="submit" class=Weight::Plain.class() aria-label=change>
                        {strings::CHANGE}
                    </button>
                </form>
                {keys
                    .is_changed(bound)
                    .then(|| {
                        view! {
                            <form method="post" action=ResetKey::PATH>
                                <input type="hidden" name="command" value=bound.word()/>
                                <button type="submit" class=Weight::Plain.class() aria-label=reset>
                                    {strings::RESET}
                                </button>
                            </form>
                        }
                    })}
            </div>
            {error
                .map(|error| {
                    view! {
                        <p id=error_id class="text-compact text-reject sm:col-span-2">
                            {error}
                        </p>
                    }
                })}
        </li>
    }
}

#[component]
fn Fixed(keys: String, what: String) -> impl IntoView {
    let keys = if keys.is_empty() { strings::SWITCHED_OFF.to_owned() } else { keys };

    view! {
        <div class="grid grid-cols-[8rem_minmax(0,1fr)] gap-3">
            <dt>
                <kbd class="font-mono text-compact">{keys}</kbd>
            </dt>
            <dd class="text-muted">{what}</dd>
        </div>
    }
}

mod strings {
    pub(super) const TITLE: &str = "Your keys";
    pub(super) const YOU: &str = "You";
    pub(super) const INTRO: &str = "Keys need JavaScript and work outside text fields. No verdict key sends anything: it goes to the review and arms a button. What you change here holds for you in every browser.";
    pub(super) const ALL: &str = "Keys of one character";
    pub(super) const ON: &str = "They are on. People who speak to their computer, or touch keys by chance, may want them off; everything is reached without them, and Ctrl + K, Enter, Escape and the arrows stay.";
    pub(super) const OFF: &str =
        "They are switched off and do nothing. Ctrl + K, Ctrl + Enter, Enter, Escape and the arrows work.";
    pub(super) const SWITCH_ON: &str = "Switch them on";
    pub(super) const SWITCH_OFF: &str = "Switch them off";
    pub(super) const YOURS: &str = "Keys you can change";
    pub(super) const RULES: &str = "One letter, digit or sign each. Enter, the space bar, Tab, Escape, the digits of the sections and what the browser keeps for itself cannot be taken.";
    pub(super) const KEY_OF: &str = "Key of";
    pub(super) const GO: &str = "Go to a page: then its letter";
    pub(super) const NOW: &str = "Now";
    pub(super) const EVERYBODY: &str = "by default";
    pub(super) const SWITCHED_OFF: &str = "Off";
    pub(super) const CHANGE: &str = "Change";
    pub(super) const RESET: &str = "Reset";
    pub(super) const RESET_ALL: &str = "Reset all keys";
    pub(super) const FIXED: &str = "Keys that stay";
    pub(super) const FIXED_TEXT: &str = "Keys with names and chords are the same for everybody. The letter of a page is pressed after the key above that goes to a page.";
}
