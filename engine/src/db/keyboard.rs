//! `key_settings` and `key_bindings`: which keys a person changed for themselves.

use countersign_domain::{
    ids::PersonId,
    keyboard::{Bound, KeyMap},
};
use sqlx::PgConnection;

use crate::error::{Error, Result};

/// Returns a person's keys.
pub(crate) async fn find(conn: &mut PgConnection, person: PersonId) -> Result<KeyMap> {
    let rows = sqlx::query!(
        r#"
        select s.off, b.command as "command?", b.key as "key?"
        from key_settings s
        left join key_bindings b on b.person_id = s.person_id
        where s.person_id = $1
        order by b.command
        "#,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    let mut map = KeyMap::default();
    for row in rows {
        map.off = row.off;
        if let (Some(command), Some(key)) = (row.command, row.key) {
            let bound = Bound::from_word(&command).ok_or_else(|| Error::Row {
                table: "key_bindings",
                column: "command",
                id: person.to_string(),
            })?;
            map.changed.push((bound, key));
        }
    }
    Ok(map)
}

/// Holds a person's keys until the transaction ends, so that two windows change them one after the other.
pub(crate) async fn lock(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<()> {
    sqlx::query!("insert into key_settings (person_id) values ($1) on conflict do nothing", person.0)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("select off from key_settings where person_id = $1 for update", person.0).fetch_one(conn).await?;
    Ok(())
}

pub(crate) async fn set_off(conn: &mut PgConnection, person: PersonId, off: bool) -> sqlx::Result<()> {
    sqlx::query!("update key_settings set off = $2 where person_id = $1", person.0, off).execute(conn).await?;
    Ok(())
}

pub(crate) async fn set(conn: &mut PgConnection, person: PersonId, bound: Bound, key: &str) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into key_bindings (person_id, command, key)
        values ($1, $2, $3)
        on conflict (person_id, command) do update set key = excluded.key
        "#,
        person.0,
        bound.word(),
        key,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives one thing everybody's key again, or all of them.
pub(crate) async fn delete(conn: &mut PgConnection, person: PersonId, bound: Option<Bound>) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from key_bindings where person_id = $1 and ($2::text is null or command = $2)",
        person.0,
        bound.map(Bound::word),
    )
    .execute(conn)
    .await?;
    Ok(())
}
