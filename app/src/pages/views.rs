//! `/me/views`: the views of the queue that somebody keeps, to rename, order and remove, and the form that saves one.

#![expect(clippy::too_many_arguments, reason = "a server function takes one argument per field of its form")]

use countersign_domain::{
    ids::SavedViewId,
    problem::Problem,
    queue::View,
    saved::{NAME_CHARACTERS_MAX, SavedView},
};
use leptos::{prelude::*, server_fn::ServerFn};

use super::queue::filter::{Fields, Filter};
use crate::{
    Error,
    answer::{Answer, refused, typed},
    components::{
        form::{ErrorSummary, Field, Kind, Weight, error_of},
        icons::{Icon, Shape},
        page::{Empty, PageHeader, PageTitle, Panel, Refusal, Skeleton, TitleText},
        text::Literal,
    },
    wire::Json,
};

/// Reads the person's own views.
#[server(prefix = "/act", endpoint = "my-views", output = Json)]
pub(crate) async fn my_views() -> Result<Vec<SavedView>, Error> {
    use countersign_engine::saved_views;

    use crate::request::{request, shown};

    let (engine, caller) = request()?;
    shown(&caller, saved_views::list(&engine, &caller).await)
}

/// Saves filters and an order of the queue under a name, and leads to them.
#[server(prefix = "/act", endpoint = "save-view", output = Json)]
pub(crate) async fn save_view(
    name: String,
    view: View,
    #[server(default)] sort: String,
    #[server(default)] risk: String,
    #[server(default)] system: String,
    #[server(default)] type_name: String,
    #[server(default)] route: String,
    #[server(default)] outcome: String,
) -> Result<Answer, Error> {
    use countersign_domain::queue::Asked;
    use countersign_engine::saved_views;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let name = match named(&name, "name") {
        Ok(name) => name,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let view_word = view.word().to_owned();
    let filter =
        Filter::new(&Fields { view: view_word, sort, risk, system, type_name, route, outcome, ..Fields::default() });
    let asked = Asked { view, sort: filter.sort, narrowed: filter.narrowed };
    let address = Filter::saved(&asked).address(None);
    let done = act(async move { saved_views::save(&engine, &caller, name, asked).await }).await;

    Ok(told(done.map(|_| Answer::done(address))))
}

/// Gives one of the person's views another name.
#[server(prefix = "/act", endpoint = "rename-view", output = Json)]
pub(crate) async fn rename_view(view: SavedViewId, name: String) -> Result<Answer, Error> {
    use countersign_engine::saved_views;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let name = match named(&name, &field_of(view)) {
        Ok(name) => name,
        Err(problem) => return Ok(told(Err(problem))),
    };
    let done = act(async move { saved_views::rename(&engine, &caller, view, name).await }).await;
    let done = done.map_err(|problem| about(problem, &field_of(view)));

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Moves one of the person's views one place.
#[server(prefix = "/act", endpoint = "move-view", output = Json)]
pub(crate) async fn move_view(view: SavedViewId, #[server(default)] down: bool) -> Result<Answer, Error> {
    use countersign_engine::saved_views::{self, Move};

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let to = if down { Move::Down } else { Move::Up };
    let done = act(async move { saved_views::shift(&engine, &caller, view, to).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

/// Removes one of the person's views.
#[server(prefix = "/act", endpoint = "remove-view", output = Json)]
pub(crate) async fn remove_view(view: SavedViewId) -> Result<Answer, Error> {
    use countersign_engine::saved_views;

    use crate::request::{act, request, told};

    let (engine, caller) = request()?;
    let done = act(async move { saved_views::remove(&engine, &caller, view).await }).await;

    Ok(told(done.map(|()| Answer::done(PAGE))))
}

#[cfg(feature = "ssr")]
fn named(text: &str, field: &str) -> Result<countersign_domain::saved::ViewName, Problem> {
    use countersign_domain::{
        problem::{Code, FieldError},
        saved::ViewName,
    };

    ViewName::new(text).map_err(|error| {
        let errors = vec![FieldError::new(format!("/{field}"), "invalid_text", format!("Name: {error}."))];
        Problem::fields(Code::InvalidContent, "The view was not named.", errors)
    })
}

/// Points what is wrong with a name to the field of that view.
#[cfg(feature = "ssr")]
fn about(mut problem: Problem, field: &str) -> Problem {
    for error in &mut problem.errors {
        error.pointer = format!("/{field}");
    }
    problem
}

/// Address of the page.
pub(crate) const PAGE: &str = "/me/views";

/// Id of the field with a view's name.
fn field_of(view: SavedViewId) -> String {
    format!("name-{view}")
}

/// The page of one's own views. Its forms are plain: each leads to the page as it stands then.
#[component]
pub(crate) fn ViewsPage() -> impl IntoView {
    let view = Resource::new(|| (), |()| my_views());
    let problem = refused::<RenameView>().or_else(refused::<MoveView>).or_else(refused::<RemoveView>);
    let unsaved = refused::<SaveView>();

    view! {
        <PageTitle text=TitleText::page(strings::TITLE)/>
        <div class="mb-2 text-compact text-muted print:hidden">
            <a href="/queue" class="inline-flex items-center gap-1 rounded-chip hover:text-text hover:underline no-underline">
                <Icon shape=Shape::Back class="size-4"/>
                {strings::QUEUE}
            </a>
        </div>
        <PageHeader title=|| strings::TITLE>
            <p class="max-w-measure text-muted">{strings::INTRO}</p>
        </PageHeader>
        <div class="grid max-w-3xl gap-6">
            <ErrorSummary problem=Signal::stored(problem.clone())/>
            {unsaved.map(|problem| view! { <Unsaved problem/> })}
            <Transition fallback=|| {
                view! { <Skeleton rows=3/> }
            }>
                {
                    let problem = problem.clone();
                    move || {
                        let problem = problem.clone();
                        Suspend::new(async move {
                            match view.await {
                                Ok(views) => view! { <Views views problem/> }.into_any(),
                                Err(error) => view! { <Refusal error/> }.into_any(),
                            }
                        })
                    }
                }
            </Transition>
        </div>
    }
}

/// What was to be saved and was not, as it was typed.
#[component]
fn Unsaved(problem: Problem) -> impl IntoView {
    let value = |name: &'static str| typed::<SaveView>(name);
    let filter = Filter::new(&Fields {
        view: value("view"),
        sort: value("sort"),
        risk: value("risk"),
        system: value("system"),
        type_name: value("type_name"),
        route: value("route"),
        outcome: value("outcome"),
        ..Fields::default()
    });
    let fields = ["view", "sort", "risk", "system", "type_name", "route", "outcome"]
        .map(|name| view! { <input type="hidden" name=name value=value(name)/> });
    let problem = Signal::stored(Some(problem));

    view! {
        <Panel title=strings::UNSAVED>
            <ErrorSummary problem/>
            <p class="[overflow-wrap:anywhere]">
                <a href=filter.address(None) class="text-accent underline">
                    <Literal text=asked_words(&filter)/>
                </a>
            </p>
            <form method="post" action=SaveView::PATH class="grid max-w-md gap-3">
                {fields.collect_view()}
                <Field name="name" label=strings::NAME kind=Kind::Text value=value("name") problem/>
                <div>
                    <button type="submit" class=Weight::Primary.class()>
                        {strings::SAVE}
                    </button>
                </div>
            </form>
        </Panel>
    }
}

#[component]
fn Views(views: Vec<SavedView>, problem: Option<Problem>) -> impl IntoView {
    if views.is_empty() {
        return view! {
            <Empty title=strings::NONE reason=strings::NONE_REASON>
                <a href="/queue" class=Weight::Plain.class()>
                    {strings::QUEUE}
                </a>
            </Empty>
        }
        .into_any();
    }
    let last = views.len() - 1;
    let rows = views
        .into_iter()
        .enumerate()
        .map(|(place, view)| {
            view! { <Row view first=place == 0 last=place == last problem=problem.clone()/> }.into_any()
        })
        .collect_view();

    view! { <ol class="divide-y divide-hairline rounded-dialog border border-hairline bg-surface">{rows}</ol> }
        .into_any()
}

#[component]
fn Row(view: SavedView, first: bool, last: bool, problem: Option<Problem>) -> impl IntoView {
    let SavedView { id, name, asked } = view;
    let filter = Filter::saved(&asked);
    let field = field_of(id);
    let error = problem.and_then(|problem| error_of(&problem, &field));
    let error_id = format!("{field}-error");
    let typed = typed::<RenameView>("name");
    let value = if error.is_some() { typed } else { name.clone() };
    let described = error.is_some().then(|| error_id.clone());
    let invalid = error.is_some().then_some("true");
    let label = format!("{} {name}", strings::RENAME_OF);
    let step = |words: &'static str, down: bool, blocked: bool| {
        let label = format!("{words}: {name}");
        view! {
            <form method="post" action=MoveView::PATH>
                <input type="hidden" name="view" value=id.to_string()/>
                <input type="hidden" name="down" value=down.to_string()/>
                <button type="submit" class=Weight::Plain.class() aria-label=label disabled=blocked>
                    {words}
                </button>
            </form>
        }
    };
    let remove = format!("{}: {name}", strings::REMOVE);

    view! {
        <li class="grid gap-3 px-5 py-4">
            <div class="min-w-0">
                <h2 class="text-reading font-semibold [overflow-wrap:anywhere]">
                    <a href=filter.address(None) class="text-text hover:underline no-underline">
                        <Literal text=name.clone()/>
                    </a>
                </h2>
                <p class="text-compact text-muted [overflow-wrap:anywhere]">
                    <Literal text=asked_words(&filter)/>
                </p>
            </div>
            <div class="flex flex-wrap items-end gap-3">
                <form method="post" action=RenameView::PATH class="flex min-w-0 flex-1 flex-wrap items-end gap-2">
                    <input type="hidden" name="view" value=id.to_string()/>
                    <label for=field.clone() class="sr-only">
                        {label}
                    </label>
                    <input
                        id=field
                        name="name"
                        type="text"
                        value=value
                        required
                        maxlength=NAME_CHARACTERS_MAX.to_string()
                        autocomplete="off"
                        aria-describedby=described
                        aria-invalid=invalid
                        class="block min-h-11 min-w-40 flex-1 rounded-control border border-control bg-surface px-3 text-body text-text aria-[invalid]:border-reject sm:min-h-9"
                    />
                    <button type="submit" class=Weight::Plain.class()>
                        {strings::RENAME}
                    </button>
                </form>
                {step(strings::UP, false, first)}
                {step(strings::DOWN, true, last)}
                <form method="post" action=RemoveView::PATH>
                    <input type="hidden" name="view" value=id.to_string()/>
                    <button type="submit" class=Weight::Ending.class() aria-label=remove>
                        {strings::REMOVE}
                    </button>
                </form>
            </div>
            {error
                .map(|error| {
                    view! {
                        <p id=error_id class="text-compact text-reject">
                            {error}
                        </p>
                    }
                })}
        </li>
    }
}

/// Says what a view asks for, such as "Team, risk high; sorted by deadline".
fn asked_words(filter: &Filter) -> String {
    let view = filter.view.unwrap_or(View::Team).name();
    let words = filter.words();
    let narrowed = if words.is_empty() { String::new() } else { format!(", {words}") };
    format!("{view}{narrowed}; sorted by {}", filter.sort.name().to_ascii_lowercase())
}

mod strings {
    pub(super) const TITLE: &str = "Your views";
    pub(super) const QUEUE: &str = "Queue";
    pub(super) const INTRO: &str = "Filters and an order of the queue, by the names you gave them. They stand beside the built-in views, for you alone, at most 20. To show one to a colleague, send its address.";
    pub(super) const NONE: &str = "You keep no view";
    pub(super) const NONE_REASON: &str =
        "Filter or sort the queue, open Filter above the list, and give what you see a name.";
    pub(super) const UNSAVED: &str = "Not saved yet";
    pub(super) const NAME: &str = "Name";
    pub(super) const SAVE: &str = "Save as a view";
    pub(super) const RENAME: &str = "Rename";
    pub(super) const RENAME_OF: &str = "Name of the view";
    pub(super) const UP: &str = "Up";
    pub(super) const DOWN: &str = "Down";
    pub(super) const REMOVE: &str = "Remove";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_says_what_it_asks_for() {
        let fields =
            Fields { view: "breaching".into(), risk: "high".into(), sort: "newest".into(), ..Fields::default() };

        assert_eq!(asked_words(&Filter::new(&fields)), "Breaching, risk high; sorted by newest");
        assert_eq!(asked_words(&Filter::default()), "Team; sorted by deadline");
    }
}
