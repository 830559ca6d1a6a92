-- Who has a decision open at this moment. Worth nothing a minute later, so it survives no crash and is in no log. Opening
-- it, which is in the log, makes the row; signs of life of the open page renew it.

create unlogged table decision_readers (
  decision_id uuid not null references decisions (id),
  session_id uuid not null references sessions (id),
  person_id uuid not null references people (id),
  opened_at timestamptz not null,
  until_at timestamptz not null,
  alive boolean not null default false,
  primary key (decision_id, session_id)
);
create index decision_readers_until_idx on decision_readers (until_at);

grant select, insert, delete on decision_readers to countersign_app;
grant update (opened_at, until_at, alive) on decision_readers to countersign_app;
