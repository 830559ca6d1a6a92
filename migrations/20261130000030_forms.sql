-- Whether a review answered the form of its type; the answers are in the vault, as the reason is.
alter table reviews add column formed boolean not null default false;
