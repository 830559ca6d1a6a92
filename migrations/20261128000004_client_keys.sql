-- How a provider knows this installation: by a secret, or by a key whose private half is sealed in `secret`.

alter table identity_providers
  add column client_auth text collate "C" not null default 'client_secret_basic',
  add column client_key_id text collate "C",
  add constraint identity_providers_client_auth_check check (
    case client_auth
      when 'client_secret_basic' then client_key_id is null
      when 'private_key_jwt' then client_key_id is not null
      else false
    end
  );

grant update (client_auth, client_key_id) on identity_providers to countersign_app;
