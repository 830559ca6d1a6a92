-- Views of the queue that people keep for themselves. They are nobody's record: a row is changed and removed in place.

create table saved_views (
  id uuid primary key,
  person_id uuid not null references people (id),
  name text not null,
  place int not null,
  view text not null,
  sort text not null,
  risk text,
  system_name text,
  type_name text,
  route text,
  saved_at timestamptz not null,
  constraint saved_views_person_id_name_key unique (person_id, name),
  -- With the check, at most twenty of one person. Deferrable, so that one statement can move several.
  constraint saved_views_person_id_place_key unique (person_id, place) deferrable initially immediate,
  constraint saved_views_place_check check (place between 1 and 20),
  constraint saved_views_name_check check (char_length(name) between 1 and 60),
  constraint saved_views_named_check check (char_length(system_name) <= 200 and char_length(type_name) <= 200)
);

grant select, insert, delete on saved_views to countersign_app;
grant update (name, place) on saved_views to countersign_app;
