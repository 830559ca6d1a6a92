-- Keys that people changed for themselves, and whether keys of one character do anything for them.

create table key_settings (
  person_id uuid primary key references people (id),
  off boolean not null default false
);

create table key_bindings (
  person_id uuid not null references key_settings (person_id),
  command text not null,
  key text not null,
  primary key (person_id, command),
  constraint key_bindings_person_id_key_key unique (person_id, key),
  constraint key_bindings_key_check check (char_length(key) = 1)
);

grant select, insert on key_settings, key_bindings to countersign_app;
grant update (off) on key_settings to countersign_app;
grant update (key), delete on key_bindings to countersign_app;
