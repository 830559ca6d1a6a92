//! What stands around every page: bars, navigation, the demo's ribbon, the one live region.

use countersign_domain::{administration::Watermark, keyboard::KeyMap, role::Role, time::screen, view::Me};
use leptos::{html, prelude::*, server_fn::ServerFn, task::spawn_local};
use leptos_router::hooks::{use_location, use_url};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    components::{
        icons::{Icon, Shape},
        keyboard::own,
        kinds::changes_decisions,
        palette::{Palette, Target},
    },
    drafts,
    live::{Link, Live},
    pages::{
        me::{Notices, Prefer, preferences},
        sign_in::SignInAs,
    },
    site::{Preferences, Theme},
    wire::Json,
};

/// What the frame shows of the installation and the person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Around {
    /// Who is signed in.
    pub(crate) me: Option<Me>,
    /// In a demo, whom one may be.
    pub(crate) demo: Option<Vec<(Role, String)>>,
    /// What every page of an outside auditor carries.
    #[serde(default)]
    pub(crate) watermark: Option<Watermark>,
}

/// Reads what the frame shows; nothing of it is an act or a sealed read.
#[server(prefix = "/act", endpoint = "frame", output = Json)]
pub(crate) async fn look_around() -> Result<Around, Error> {
    use countersign_engine::{audit_windows, demo, people};

    use crate::request::{is_person, request, shown};

    let (engine, caller) = request()?;
    let me = if is_person(&caller) { Some(shown(&caller, people::me(&engine, &caller).await)?) } else { None };
    let demo = if engine.config().demo { Some(shown(&caller, demo::people(&engine).await)?) } else { None };

    let watermark = match &me {
        Some(me) => shown(&caller, audit_windows::watermark(&engine, &caller, &me.name).await)?,
        None => None,
    };

    Ok(Around { me, demo, watermark })
}

/// What pages find in their context.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings {
    /// Who is signed in, and the demo.
    pub(crate) around: Resource<Result<Around, Error>>,
    /// What the one live region says.
    pub(crate) said: RwSignal<String>,
    /// Set by a move inside the application, so that the next page's heading takes focus.
    pub(crate) moved: StoredValue<bool>,
    /// The person's keys, everybody's until the page has begun.
    pub(crate) keys: RwSignal<KeyMap>,
}

impl Surroundings {
    /// Returns the frame's context.
    ///
    /// # Panics
    ///
    /// Outside the frame, which holds every page.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// Says a sentence to people who use a screen reader.
    pub(crate) fn say(self, sentence: impl Into<String>) {
        self.said.set(sentence.into());
    }
}

/// The frame around a page.
#[component]
pub(crate) fn Frame(children: Children) -> impl IntoView {
    let around = Resource::new(|| (), |()| look_around());
    let said = RwSignal::new(String::new());
    let moved = StoredValue::new(false);
    let live = Live::new();
    let keys = RwSignal::new(KeyMap::default());
    provide_context(Surroundings { around, said, moved, keys });
    provide_context(live);

    Effect::new(move || {
        if let Some(Ok(Around { me: Some(me), .. })) = around.get()
            && me.keys != keys.get_untracked()
        {
            own(&me.keys);
            keys.set(me.keys);
        }
    });
    Effect::new(move |_| {
        if live.is_ended() {
            said.set(ENDED.to_owned());
        }
    });

    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path) {
            moved.set_value(true);
        }
        path
    });

    view! {
        <a
            href="#main"
            rel="external"
            class="sr-only focus:not-sr-only focus:fixed focus:left-3 focus:top-2 focus:z-50 focus:rounded-control focus:bg-accent focus:px-3 focus:py-2 focus:text-on-fill no-underline"
        >
            "Skip to content"
        </a>
        <div class="min-h-dvh sm:grid sm:grid-cols-1 sm:has-[>nav]:grid-cols-[auto_minmax(0,1fr)] sm:grid-rows-[auto_minmax(0,1fr)]">
            <Suspense>
                {move || Suspend::new(async move {
                    let around = around.await;
                    if let Ok(Around { me, .. }) = &around {
                        let person = me.as_ref().map(|me| me.id);
                        Effect::new(move || drafts::forget(person));
                    }
                    let around = around.unwrap_or_default();
                    view! {
                        <TopBar around=around.clone() live/>
                        <Navigation me=around.me/>
                    }
                })}
            </Suspense>
            <main id="main" class="min-w-0 px-4 pb-24 pt-5 sm:px-6 sm:pb-10 xl:px-8 print:p-0">
                <Marked around/>
                <Suspense>
                    {move || Suspend::new(async move {
                        let me = around.await.ok().and_then(|around| around.me);
                        me.map(|me| view! { <Notices notices=me.notices/> })
                    })}
                </Suspense>
                {children()}
            </main>
        </div>
        <div role="status" aria-live="polite" class="sr-only">
            {move || said.get()}
        </div>
    }
}

/// Names the auditor and the audit on every page that an audit window shows, on screen and on each sheet of paper.
#[component]
fn Marked(around: Resource<Result<Around, Error>>) -> impl IntoView {
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                around
                    .await
                    .ok()
                    .and_then(|around| around.watermark)
                    .map(|watermark| {
                        view! {
                            <p class="mb-4 rounded-control border border-info bg-info-tint px-4 py-2 text-body text-info-ink [overflow-wrap:anywhere] print:fixed print:inset-x-0 print:bottom-0 print:mb-0">
                                {watermark.sentence()}
                            </p>
                        }
                    })
            })}
        </Suspense>
    }
}

#[component]
fn TopBar(around: Around, live: Live) -> impl IntoView {
    let Around { me, demo, .. } = around;
    let targets = me.as_ref().map(|me| places(&me.roles)).unwrap_or_default();
    let targets: Vec<_> =
        targets.into_iter().map(|Place { path, label, whole, .. }| Target { path, label, whole }).collect();

    view! {
        <header class="col-span-full print:hidden">
            {demo.map(|people| view! { <DemoRibbon people/> })}
            <div class="flex h-12 items-center gap-4 border-b border-hairline bg-surface px-4 sm:px-5">
                <a href="/" class="flex items-center gap-2 rounded-chip no-underline font-semibold tracking-tight text-text">
                    <Icon shape=Shape::Seal class="size-5 text-accent"/>
                    "Countersign"
                </a>
                <Connected live/>
                <div class="ml-auto flex items-center gap-3">
                    {me.is_some().then(|| view! { <Palette targets/> })}
                    <ThemeButton/>
                    {me.map(|me| view! { <Person me live/> })}
                </div>
            </div>
            <Interrupted live/>
            <Updated live/>
        </header>
    }
}

/// Changes the theme and comes back to the same page: a plain form, because the whole document changes with it.
#[component]
fn ThemeButton() -> impl IntoView {
    let Preferences { theme, density, zone, advance } = preferences();
    let next = theme.next();
    let label = format!("Theme: {}. Change to {}.", said(theme), said(next));
    let location = use_location();
    // What a refused form once left in an address is not carried on.
    let here = move || {
        let (path, search) = (location.pathname.get(), location.search.get());
        let kept: Vec<_> = search.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("__")).collect();
        if kept.is_empty() { path } else { format!("{path}?{}", kept.join("&")) }
    };

    view! {
        <form method="post" action=Prefer::PATH class="hidden sm:block">
            <input type="hidden" name="theme" value=next.word()/>
            <input type="hidden" name="density" value=density.word()/>
            <input type="hidden" name="zone" value=zone.word()/>
            <input type="hidden" name="advance" value=advance.word()/>
            <input type="hidden" name="next" value=here/>
            <button
                type="submit"
                aria-label=label.clone()
                title=label
                class="inline-flex min-h-8 items-center rounded-control px-2 text-compact text-muted hover:bg-raised hover:text-text"
            >
                "Theme"
            </button>
        </form>
    }
}

fn said(theme: Theme) -> &'static str {
    match theme {
        Theme::System => "as the system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    }
}

#[component]
fn Person(me: Me, live: Live) -> impl IntoView {
    let reviews = me.roles.iter().any(|role| role.reviews());
    let turns = RwSignal::new(me.turn_count);
    let count = move || {
        if reviews {
            spawn_local(async move {
                if let Ok(Around { me: Some(me), .. }) = look_around().await {
                    turns.try_set(me.turn_count);
                }
            });
        }
    };
    Effect::new(move || {
        let touched = live.change.with(|change| {
            change.as_ref().is_some_and(|change| change.kinds.iter().any(|kind| changes_decisions(kind)))
        });
        if touched {
            count();
        }
    });
    // Not every page follows changes, so the next one counts anew.
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path) {
            count();
        }
        path
    });
    let roles = me.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");

    view! {
        {reviews
            .then(|| {
                view! {
                    <a
                        href="/queue"
                        class="hidden rounded-full bg-selected px-2.5 py-0.5 text-compact font-medium text-accent tabular-nums hover:underline sm:inline-block no-underline"
                    >
                        {move || format!("Your turn {}", turns.get())}
                    </a>
                }
            })}
        <a href="/me" class="flex min-w-0 flex-col rounded-chip text-right text-text leading-4 hover:underline no-underline">
            <span class="max-w-40 truncate text-compact font-medium">{me.name}</span>
            <span class="text-compact text-muted">{roles}</span>
        </a>
        <form method="post" action="/act/sign-out">
            <button
                type="submit"
                class="min-h-8 rounded-control border border-control px-2.5 text-compact text-text hover:bg-raised"
            >
                "Sign out"
            </button>
        </form>
    }
}

/// Says that changes arrive; nothing is said while there is nothing to say.
#[component]
fn Connected(live: Live) -> impl IntoView {
    move || {
        (live.link.get() == Link::Live).then(|| {
            view! {
                <p class="hidden items-center gap-1.5 text-compact text-muted sm:flex">
                    <span aria-hidden="true" class="size-1.5 rounded-full bg-approve"></span>
                    "Live"
                </p>
            }
        })
    }
}

/// Why no changes arrive, in a line of its own, so that it has room on a phone too.
#[component]
fn Interrupted(live: Live) -> impl IntoView {
    const BAR: &str = "flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-hairline bg-escalate-tint px-4 py-1.5 text-compact font-medium text-escalate-ink sm:px-5";
    let path = use_location().pathname;

    move || match live.link.get() {
        Link::Off | Link::Live => ().into_any(),
        Link::Lost { since } => view! {
            <p class=BAR>
                {format!("Live updates paused since {}; changes load when the connection returns.", screen(since))}
            </p>
        }
        .into_any(),
        Link::Ended => view! {
            <p class=BAR>
                {ENDED}
                <a href=format!("/login?next={}", path.get_untracked()) rel="external" class="underline">
                    "Sign in again"
                </a>
            </p>
        }
        .into_any(),
    }
}

/// Says that the server was updated under the page. Nothing has to be done: forms go on working.
#[component]
fn Updated(live: Live) -> impl IntoView {
    move || {
        live.updated.get().then(|| {
            view! {
                <p class="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-hairline bg-info-tint px-4 py-1.5 text-compact font-medium text-info-ink sm:px-5">
                    "The server was updated. This page goes on working; reload when you are ready."
                    <a href="" rel="external" class="underline">
                        "Reload"
                    </a>
                </p>
            }
        })
    }
}

/// What is said when the sign-in behind a page is over.
const ENDED: &str = "Your sign-in has ended. What is shown here may be old, and nothing more can be done with it.";

#[component]
fn DemoRibbon(people: Vec<(Role, String)>) -> impl IntoView {
    view! {
        <div class="flex flex-wrap items-center gap-x-4 gap-y-1 bg-info-tint px-4 py-1.5 text-compact text-info-ink sm:px-5">
            <p>
                <strong class="font-semibold">"Demo."</strong>
                " Proofs are real; people and cases are invented."
            </p>
            <ViewAs people compact=true/>
        </div>
    }
}

/// One button per role; exists in demo installations only.
#[component]
pub(crate) fn ViewAs(people: Vec<(Role, String)>, compact: bool) -> impl IntoView {
    let button = if compact {
        "rounded-chip border border-current px-2 py-px font-medium hover:bg-surface"
    } else {
        "min-h-11 w-full rounded-control border border-control bg-surface px-4 text-left font-medium hover:bg-raised"
    };
    let list = if compact { "flex flex-wrap items-center gap-2" } else { "grid gap-2" };

    view! {
        <form method="post" action=SignInAs::PATH class=list>
            {compact.then(|| view! { <span>"View as"</span> })}
            {people
                .into_iter()
                .map(|(role, name)| {
                    let label = if compact { role.name().to_owned() } else { format!("{} ({name})", role.name()) };
                    view! {
                        <button type="submit" name="role" value=role.word() class=button>
                            {label}
                        </button>
                    }
                })
                .collect_view()}
        </form>
    }
}

/// A place in the navigation.
#[derive(Clone, Copy)]
struct Place {
    path: &'static str,
    label: &'static str,
    shape: Shape,
    /// The page needs a whole load, because it brings its own module.
    whole: bool,
}

#[component]
fn Navigation(me: Option<Me>) -> impl IntoView {
    let places = me.as_ref().map(|me| places(&me.roles)).unwrap_or_default();
    if places.is_empty() {
        return ().into_any();
    }
    // One more needs no more room than the button that would show it.
    let whole = places.len() <= IN_BAR + 1;
    let rest = places.get(IN_BAR..).unwrap_or_default().to_vec();

    view! {
        <nav
            aria-label="Main"
            class="fixed inset-x-0 bottom-0 z-20 border-t border-hairline bg-surface sm:static sm:z-auto sm:w-14 sm:border-r sm:border-t-0 sm:py-3 xl:w-52 print:hidden"
        >
            <ul class="flex justify-around sm:sticky sm:top-3 sm:flex-col sm:justify-start sm:gap-0.5 sm:px-2">
                {places
                    .into_iter()
                    .enumerate()
                    .map(|(at, place)| {
                        let class = if at < IN_BAR || whole { "flex-1 sm:flex-none" } else { "max-sm:hidden sm:flex-none" };
                        view! {
                            <li class=class>
                                <PlaceLink place/>
                            </li>
                        }
                    })
                    .collect_view()}
                {(!whole).then(|| view! { <More places=rest/> })}
            </ul>
        </nav>
    }
    .into_any()
}

/// How many places stand in the bar of a phone; the others open above it.
const IN_BAR: usize = 4;

#[component]
fn PlaceLink(place: Place) -> impl IntoView {
    let url = use_url();
    let Place { path, label, shape, whole } = place;
    let current = move || url.with(|url| is_under(url.path(), path)).then_some("page");

    view! {
        <a
            href=path
            rel=whole.then_some("external")
            aria-current=current
            class="flex min-h-12 no-underline flex-col items-center justify-center gap-0.5 rounded-control px-1 sm:px-2 text-[11px]/4 text-muted hover:bg-raised hover:text-text aria-[current=page]:bg-selected aria-[current=page]:font-medium aria-[current=page]:text-accent sm:min-h-10 xl:flex-row xl:justify-start xl:gap-3 xl:px-3 xl:text-body"
        >
            <Icon shape class="size-5 shrink-0"/>
            <span class="sm:max-xl:sr-only">{label}</span>
        </a>
    }
}

/// The places that a phone's bar has no room for. The browser opens and closes them, with a script or without.
#[component]
fn More(places: Vec<Place>) -> impl IntoView {
    let url = use_url();
    let paths: Vec<_> = places.iter().map(|place| place.path).collect();
    let inside = Memo::new(move |_| url.with(|url| paths.iter().any(|path| is_under(url.path(), path))));
    let sheet = NodeRef::<html::Div>::new();
    // A place that is gone to leaves the frame as it is.
    let close = move |_| {
        if let Some(sheet) = sheet.get_untracked() {
            let _ = sheet.hide_popover();
        }
    };

    view! {
        <li class="flex-1 sm:hidden">
            <button
                type="button"
                popovertarget="more-places"
                class=("text-muted", move || !inside.get())
                class=(["bg-selected", "font-medium", "text-accent"], move || inside.get())
                class="flex min-h-12 w-full flex-col items-center justify-center gap-0.5 rounded-control px-1 text-[11px]/4 hover:bg-raised hover:text-text"
            >
                <Icon shape=Shape::More class="size-5 shrink-0"/>
                "More"
            </button>
            <div
                id="more-places"
                popover=""
                node_ref=sheet
                on:click=close
                class="fixed inset-x-0 bottom-12 top-auto w-full border-y border-hairline bg-surface p-2 text-text shadow-overlay sm:hidden"
            >
                <ul class="grid grid-cols-3 gap-1">
                    {places
                        .into_iter()
                        .map(|place| {
                            view! {
                                <li>
                                    <PlaceLink place/>
                                </li>
                            }
                        })
                        .collect_view()}
                </ul>
            </div>
        </li>
    }
}

fn places(roles: &[Role]) -> Vec<Place> {
    let place = |path, label, shape| Place { path, label, shape, whole: false };
    let holds = |wanted: &[Role]| wanted.iter().any(|role| roles.contains(role));
    let admin = holds(&[Role::Admin]);
    let reader = roles.iter().any(|role| role.reads_decisions());
    let mut places = Vec::new();
    if reader {
        places.push(place("/queue", "Queue", Shape::Inbox));
    }
    places.push(place("/ledger", "Ledger", Shape::Chain));
    if holds(&[
        Role::Approver,
        Role::SeniorApprover,
        Role::PolicyAuthor,
        Role::Admin,
        Role::ComplianceOfficer,
        Role::Auditor,
    ]) {
        places.push(place("/policies", "Policies", Shape::Rows));
    }
    if holds(&[Role::Admin, Role::ComplianceOfficer, Role::Auditor]) {
        places.push(place("/admin/people", "People", Shape::People));
    }
    if holds(&[Role::SeniorApprover]) && !holds(&[Role::Admin, Role::ComplianceOfficer]) {
        places.push(place("/admin/changes", "Changes", Shape::People));
    }
    if holds(&[Role::SeniorApprover, Role::Admin, Role::ComplianceOfficer, Role::Auditor]) {
        places.push(place("/post-reviews", "Post-reviews", Shape::Tick));
    }
    if holds(&[Role::Approver, Role::SeniorApprover, Role::ComplianceOfficer]) {
        places.push(place("/grants", "Grants", Shape::Forward));
    }
    if admin {
        places.push(place("/admin/sso", "Sign-in providers", Shape::Person));
        places.push(place("/admin/systems", "AI systems", Shape::Robot));
    }
    if [Role::Admin, Role::ComplianceOfficer, Role::Auditor].iter().any(|role| roles.contains(role)) {
        places.push(place("/admin/access", "Access log", Shape::Clock));
    }
    places.push(Place { path: "/verify", label: "Verify", shape: Shape::Check, whole: true });
    places.push(place("/me", "You", Shape::Person));
    places
}

/// A decision, a pause and a hand-over belong to the queue; everything else to the place its path begins with.
fn is_under(path: &str, place: &str) -> bool {
    let below = |parent: &str| path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    below(place) || (place == "/queue" && (["/decisions", "/pauses", "/handovers"].into_iter().any(below)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_stands_under_the_queue_and_names_do_not_run_together() {
        assert!(is_under("/decisions/1", "/queue"));
        assert!(is_under("/pauses", "/queue"));
        assert!(is_under("/handovers", "/queue"));
        assert!(is_under("/ledger/12", "/ledger"));
        assert!(!is_under("/ledgers", "/ledger"));
        assert!(!is_under("/decisions/1", "/ledger"));
    }

    #[test]
    fn everybody_is_led_to_what_their_role_reads() {
        let paths = |roles: &[Role]| places(roles).iter().map(|place| place.path).collect::<Vec<_>>();

        assert_eq!(
            paths(&[Role::Auditor]),
            ["/queue", "/ledger", "/policies", "/admin/people", "/post-reviews", "/admin/access", "/verify", "/me"]
        );
        assert_eq!(
            paths(&[Role::SeniorApprover]),
            ["/queue", "/ledger", "/policies", "/admin/changes", "/post-reviews", "/grants", "/verify", "/me"]
        );
        assert_eq!(
            paths(&[Role::Admin]),
            [
                "/ledger",
                "/policies",
                "/admin/people",
                "/post-reviews",
                "/admin/sso",
                "/admin/systems",
                "/admin/access",
                "/verify",
                "/me"
            ]
        );
    }
}
