//! Names, ids, tokens: which call reaches which server, and which answer which client.
