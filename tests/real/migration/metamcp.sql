-- MetaMCP's tables as far as what it offers is in them, with its names, types and defaults; and what somebody has in
-- them: two servers in the namespaces of two endpoints, a third that only an inactive mapping leads to, one user.
CREATE TYPE mcp_server_type AS ENUM ('STDIO', 'SSE', 'STREAMABLE_HTTP');
CREATE TYPE mcp_server_status AS ENUM ('ACTIVE', 'INACTIVE');
CREATE TYPE mcp_server_error_status AS ENUM ('NONE', 'ERROR');

CREATE TABLE users (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE mcp_servers (
  uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, description text,
  type mcp_server_type NOT NULL DEFAULT 'STDIO', command text, args text[] NOT NULL DEFAULT '{}',
  env jsonb NOT NULL DEFAULT '{}', url text, created_at timestamptz NOT NULL DEFAULT now(), bearer_token text,
  headers jsonb NOT NULL DEFAULT '{}', error_status mcp_server_error_status NOT NULL DEFAULT 'NONE',
  user_id text REFERENCES users);
CREATE TABLE tools (
  uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, description text, tool_schema jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), mcp_server_uuid uuid NOT NULL REFERENCES mcp_servers);
CREATE TABLE namespaces (
  uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, description text,
  created_at timestamptz NOT NULL DEFAULT now(), user_id text REFERENCES users);
CREATE TABLE endpoints (
  uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL UNIQUE, description text,
  namespace_uuid uuid NOT NULL REFERENCES namespaces, enable_api_key_auth boolean NOT NULL DEFAULT true,
  enable_oauth boolean NOT NULL DEFAULT false, use_query_param_auth boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(), user_id text REFERENCES users);
CREATE TABLE namespace_server_mappings (
  uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(), namespace_uuid uuid NOT NULL REFERENCES namespaces,
  mcp_server_uuid uuid NOT NULL REFERENCES mcp_servers, status mcp_server_status NOT NULL DEFAULT 'ACTIVE');
CREATE TABLE namespace_tool_mappings (
  uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(), namespace_uuid uuid NOT NULL REFERENCES namespaces,
  tool_uuid uuid NOT NULL REFERENCES tools, mcp_server_uuid uuid NOT NULL REFERENCES mcp_servers,
  status mcp_server_status NOT NULL DEFAULT 'ACTIVE', override_name text, override_title text,
  override_description text, override_annotations jsonb);
CREATE TABLE api_keys (
  uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, key text NOT NULL UNIQUE,
  user_id text REFERENCES users, created_at timestamptz NOT NULL DEFAULT now(), is_active boolean NOT NULL DEFAULT true);

INSERT INTO users VALUES ('anna', 'Anna');
INSERT INTO mcp_servers (name, command, args, env, created_at) VALUES
  ('demo', 'mcproxy', '{demo-server}', '{"SERVICE_TOKEN": "not-a-real-token-1"}', '2026-03-01'),
  ('Other Demo', 'mcproxy', '{demo-server}', '{}', '2026-03-02'),
  ('hidden', 'mcproxy', '{demo-server}', '{}', '2026-03-03');
INSERT INTO tools (name, description, tool_schema, mcp_server_uuid)
  SELECT tool, 'It''s "quoted"' || chr(10), '{"type": "object"}', uuid FROM mcp_servers, unnest('{echo,add,now,wait,fail}'::text[]) tool;
INSERT INTO namespaces (name, user_id) VALUES ('everything', NULL), ('few', NULL), ('own', 'anna');
INSERT INTO endpoints (name, namespace_uuid, user_id)
  SELECT e.name, n.uuid, n.user_id FROM namespaces n
  JOIN (VALUES ('office', 'everything'), ('kids', 'few'), ('anna', 'own')) e (name, namespace) ON e.namespace = n.name;
INSERT INTO namespace_server_mappings (namespace_uuid, mcp_server_uuid, status)
  SELECT n.uuid, s.uuid, m.status::mcp_server_status FROM (VALUES
    ('everything', 'demo', 'ACTIVE'), ('everything', 'Other Demo', 'ACTIVE'), ('everything', 'hidden', 'INACTIVE'),
    ('few', 'demo', 'ACTIVE'), ('few', 'Other Demo', 'INACTIVE'), ('own', 'Other Demo', 'ACTIVE')
  ) m (namespace, server, status) JOIN namespaces n ON n.name = m.namespace JOIN mcp_servers s ON s.name = m.server;
INSERT INTO namespace_tool_mappings
    (namespace_uuid, tool_uuid, mcp_server_uuid, status, override_name, override_description)
  SELECT n.uuid, t.uuid, s.uuid, m.status::mcp_server_status, m.name, m.description FROM (VALUES
    ('everything', 'demo', 'echo', 'ACTIVE', 'say', 'Says what it hears'),
    ('few', 'demo', 'echo', 'ACTIVE', 'say', 'Says what it hears'),
    ('everything', 'demo', 'wait', 'INACTIVE', NULL, NULL), ('few', 'demo', 'wait', 'INACTIVE', NULL, NULL),
    ('few', 'demo', 'fail', 'INACTIVE', NULL, NULL), ('own', 'Other Demo', 'add', 'ACTIVE', NULL, NULL)
  ) m (namespace, server, tool, status, name, description)
  JOIN namespaces n ON n.name = m.namespace JOIN mcp_servers s ON s.name = m.server
  JOIN tools t ON t.name = m.tool AND t.mcp_server_uuid = s.uuid;
INSERT INTO api_keys (name, key, user_id, created_at, is_active) VALUES
  ('everybody''s', 'sk_mt_public_0123456789', NULL, '2026-03-01', true),
  ('laptop', 'sk_mt_annas_0123456789', 'anna', '2026-03-02', true),
  ('lost', 'sk_mt_lost_0123456789', 'anna', '2026-03-03', false);
