//! `saved_views`: filters and an order of the queue, by the names that one person gave them.

use countersign_domain::{
    decision::{ResolutionOutcome, Risk},
    ids::{PersonId, SavedViewId},
    policy::Route,
    queue::{Asked, Narrowed, Sort, View},
    saved::SavedView,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    clock::instant,
    error::{Error, Result},
};

struct Row {
    id: Uuid,
    name: String,
    view: String,
    sort: String,
    risk: Option<String>,
    system_name: Option<String>,
    type_name: Option<String>,
    route: Option<String>,
    outcome: Option<String>,
}

impl TryFrom<Row> for SavedView {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| Error::Row { table: "saved_views", column, id: row.id.to_string() };
        let risk = row.risk.map(|word| Risk::from_word(&word).ok_or_else(|| unreadable("risk"))).transpose()?;
        let route = row.route.map(|word| Route::from_word(&word).ok_or_else(|| unreadable("route"))).transpose()?;
        let outcome = row.outcome.map(|word| ResolutionOutcome::from_word(&word).ok_or_else(|| unreadable("outcome")));
        let outcome = outcome.transpose()?;
        Ok(Self {
            id: row.id.into(),
            name: row.name,
            asked: Asked {
                view: View::from_word(&row.view).ok_or_else(|| unreadable("view"))?,
                sort: Sort::from_word(&row.sort).ok_or_else(|| unreadable("sort"))?,
                narrowed: Narrowed {
                    risk,
                    system: row.system_name,
                    type_name: row.type_name,
                    route,
                    outcome,
                    ..Narrowed::default()
                },
            },
        })
    }
}

/// Returns a person's views in their order.
pub(crate) async fn list(conn: &mut PgConnection, person: PersonId) -> Result<Vec<SavedView>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select id, name, view, sort, risk, system_name, type_name, route, outcome
        from saved_views
        where person_id = $1
        order by place
        "#,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(SavedView::try_from).collect()
}

/// Returns a person's views in their order, and keeps others from changing them until the transaction ends.
///
/// By a lock of the person and not of rows, because the first view has none, and whoever waited for a row would not see
/// what was added meanwhile. Ids of people are random, so half of one names its lock well enough.
pub(crate) async fn lock(conn: &mut PgConnection, person: PersonId) -> Result<Vec<SavedView>> {
    let key = person.0.as_u64_pair().0.cast_signed();
    sqlx::query!("select pg_advisory_xact_lock($1)", key).execute(&mut *conn).await?;
    list(conn, person).await
}

/// Adds a view at a place.
///
/// # Errors
///
/// [`Error::LostRace`] when a parallel request took the name or the place.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    person: PersonId,
    saved: &SavedView,
    place: usize,
    now: u64,
) -> Result<()> {
    let Asked { view, sort, narrowed } = &saved.asked;
    let inserted = sqlx::query!(
        r#"
        insert into saved_views
          (id, person_id, name, place, view, sort, risk, system_name, type_name, route, outcome, saved_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        "#,
        saved.id.0,
        person.0,
        saved.name,
        place as i32,
        view.word(),
        sort.word(),
        narrowed.risk.map(Risk::word),
        narrowed.system,
        narrowed.type_name,
        narrowed.route.map(Route::word),
        narrowed.outcome.map(ResolutionOutcome::word),
        instant(now),
    )
    .execute(conn)
    .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(error) => Err(raced(error)),
    }
}

/// Gives a view another name.
///
/// # Errors
///
/// [`Error::LostRace`] when a parallel request took the name.
pub(crate) async fn set_name(conn: &mut PgConnection, person: PersonId, id: SavedViewId, name: &str) -> Result<()> {
    let set = sqlx::query!("update saved_views set name = $3 where person_id = $1 and id = $2", person.0, id.0, name)
        .execute(conn)
        .await;
    match set {
        Ok(_) => Ok(()),
        Err(error) => Err(raced(error)),
    }
}

/// Lets two views of a person change places.
pub(crate) async fn swap(
    conn: &mut PgConnection,
    person: PersonId,
    one: SavedViewId,
    other: SavedViewId,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update saved_views v
        set place = o.place
        from saved_views o
        where v.person_id = $1 and o.person_id = $1
          and ((v.id = $2 and o.id = $3) or (v.id = $3 and o.id = $2))
        "#,
        person.0,
        one.0,
        other.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a view; those after it move up.
pub(crate) async fn delete(conn: &mut PgConnection, person: PersonId, id: SavedViewId) -> sqlx::Result<()> {
    let place =
        sqlx::query_scalar!("delete from saved_views where person_id = $1 and id = $2 returning place", person.0, id.0)
            .fetch_optional(&mut *conn)
            .await?;
    sqlx::query!("update saved_views set place = place - 1 where person_id = $1 and place > $2", person.0, place)
        .execute(conn)
        .await?;
    Ok(())
}

fn raced(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(refused)
            if matches!(
                refused.constraint(),
                Some("saved_views_person_id_name_key" | "saved_views_person_id_place_key")
            ) =>
        {
            Error::LostRace
        }
        _ => error.into(),
    }
}
