//! The matrix: what goes wrong, and what is demanded then. The tests are named after the rows.

/// One fault.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) number: u16,
    /// What its test is called after `f` and the number.
    pub(crate) name: &'static str,
    /// What goes wrong.
    pub(crate) fault: &'static str,
    /// What must hold.
    pub(crate) demanded: &'static str,
}

const fn row(number: u16, name: &'static str, fault: &'static str, demanded: &'static str) -> Row {
    Row {
        number,
        name,
        fault,
        demanded,
    }
}

/// Every row, in order. Where it says nothing else, the nine other servers answer every call meanwhile.
#[rustfmt::skip]
pub(crate) const ROWS: [Row; 164] = [
    row(1, "exits_in_a_call", "a server exits with 1 in the middle of a call", "the call gets its error within 100 ms of the exit; ready again within 2 s"),
    row(2, "killed_by_sigkill", "a server is killed by SIGKILL", "calls get their error within 100 ms; ready again within 2 s"),
    row(3, "exits_when_idle", "a server exits with 0 while nothing is asked of it", "ready again within 2 s; nothing in the log above a warning"),
    row(4, "crash_loop", "a server exits at each start", "at most 12 starts in the first 5 minutes; below 1 % of a core"),
    row(5, "no_such_command", "the command does not exist, or may not be executed", "the log names the file and PATH; it is tried again; others ready"),
    row(6, "never_initializes", "five servers never answer initialize", "others ready at once; lists within 8 s; the gateway is ready when the mute ones have failed; a sixth, good one is not delayed"),
    row(7, "slow_first_install", "the first start takes longer than its deadline", "ready after at most 2 kills; clients are told that the list changed"),
    row(8, "junk_before_json", "a line that is no JSON comes before the first message", "initialized; at most one log line in 10 s"),
    row(9, "junk_interleaved", "10 000 lines of junk a second between messages", "calls are answered; below half a core"),
    row(10, "gigantic_line", "a line of 1 GiB without a newline", "its call gets an error; earlier lines count; memory at most 2 lines' limit more, and given back"),
    row(11, "endless_line", "output without any newline for a minute", "memory stays flat"),
    row(12, "notification_flood", "100 000 valid notifications a second", "at most 32 MiB more; a call's p99 below 1 s; no answer is lost"),
    row(13, "never_answers", "a call is never answered", "an error at its timeout ± 1 s; the server is told; the third in a row restarts it; a late answer is dropped and counted"),
    row(14, "answers_twice", "every answer comes twice", "one is passed on; the other is counted"),
    row(15, "answers_unknown_ids", "answers with ids that nobody used", "none is passed on; each is counted"),
    row(16, "changes_id_types", "answers carry the id as a string", "matched"),
    row(17, "duplicate_client_ids", "two clients use the same ids; one client uses one twice", "no answer crosses in 100 000 interleaved calls (in CI 20 000)"),
    row(18, "closes_stdout", "a server closes its stdout and lives on", "stopped and started again within 1 s and its grace"),
    row(19, "stops_reading", "a server is stopped and reads nothing more", "calls get an error; memory bounded; the hung server is replaced"),
    row(20, "grandchild_holds_stdout", "a server exits while its child holds its stdout", "ready again within 2 s; no descriptor leaks"),
    row(21, "setsid_grandchild", "a server's child lives in a session of its own", "gone within 2 s of the stop"),
    row(22, "ignores_sigterm", "a server ignores SIGTERM and the end of its stdin", "gone within 5.5 s of the stop"),
    row(23, "five_hundred_children", "a server has 500 children", "none survives its stop"),
    row(24, "stderr_flood", "100 MB a second on stderr", "the server is not held up; the log grows by less than 1 MB a minute"),
    row(25, "binary_stderr", "huge and binary lines on stderr", "cut, and no control character in the log"),
    row(26, "invalid_utf8", "bytes on stdout that are not UTF-8", "dropped; the next message counts"),
    row(27, "odd_bytes", "NUL bytes, a byte order mark, CR LF, blank lines", "every valid message counts"),
    row(28, "deep_answer", "an answer nested 1 000 000 deep", "at most 1 ms/MB more than for a flat one; no stack is used; the gateway lives"),
    row(29, "deep_or_large_body", "a client's body nested too deep, or one byte too large", "400 and 413; memory at most 16 MiB more"),
    row(30, "endless_chunked_body", "a chunked body without an end", "413 at the limit"),
    row(31, "huge_batch", "a batch of 10 000", "-32600 within 10 ms"),
    row(32, "idle_connections", "1 000 connections without a byte", "closed after the header time; a new client is served within 100 ms meanwhile"),
    row(33, "slow_headers", "headers at one byte a second", "closed after the header time in all; said in the log, about once"),
    row(34, "slow_body", "a body without progress", "closed after the body time"),
    row(35, "client_never_reads", "an SSE client that reads nothing", "its session ends, and the log says why; at most 8 MiB and what its connection buffers more per session; a slow one that does read is served"),
    row(36, "vanished_client", "a client's network vanishes without a word", "its session is gone within 90 s"),
    row(37, "closed_in_a_call", "a client closes its connection in the middle of a call", "over SSE nothing is in flight within 1 s; over /mcp the answer waits for resumption"),
    row(38, "connect_disconnect", "10 000 connections come and go", "as many descriptors as before; less than 2 MiB more"),
    row(39, "abandoned_sessions", "100 000 sessions that nobody deletes", "at most the limit of them live; at most 20 MiB more"),
    row(40, "idle_stream", "a silent SSE stream behind a proxy for 10 minutes", "a comment every 30 s ± 1 s; no buffering, no store"),
    row(41, "no_descriptors", "the gateway runs out of descriptors", "below 5 % of a core while it lasts; serves again after"),
    row(42, "sigterm_under_load", "SIGTERM with open streams and calls", "exit 0 within 10 s; nothing left; a second one ends at once"),
    row(43, "sigkill_of_the_gateway", "the gateway is killed by SIGKILL", "servers that honour the end of stdin are gone within 2 s, the others after the next start"),
    row(44, "stopped_gateway", "the gateway is stopped for a minute", "no watchdog message meanwhile, so that the service manager restarts it"),
    row(45, "panic_in_an_actor", "an actor of each kind panics", "it alone is restarted; the process lives"),
    row(46, "broken_configuration", "the file is no JSON, or half written", "one error with line and column; nothing restarts; applied within 1 s of the mend"),
    row(47, "replaced_configuration", "the file is renamed over, a symlink swapped, deleted and back", "applied within 2 s; other servers keep their process"),
    row(48, "hundred_reloads", "100 saves in 10 s", "at most 20 are applied; the last one stands"),
    row(49, "removed_in_a_call", "a server with calls in flight is removed", "calls get 5 s, then an error; clients are told"),
    row(50, "syslog_gone", "syslog is absent, blocked, restarted", "no call waits for it; lines arrive again within 5 s"),
    row(51, "closed_output", "stdout and stderr of the gateway are closed", "no exit"),
    row(52, "disk_full", "the disk with the state directory is full", "serves on"),
    row(53, "clock_jump", "the clock jumps by an hour, either way", "no timeout comes early or late"),
    row(54, "foreign_host_or_origin", "foreign, absent or doubled Host and Origin", "421, 403 and 400; what is of this machine and its network passes"),
    row(55, "request_smuggling", "requests that proxies and servers read differently", "no desync in 30 cases"),
    row(56, "port_taken", "the port is in use at the start", "exit 78 and a message that names the port"),
    row(101, "dear_templates", "a server's 300 URI templates are dear to compare with 300 links in a result of another", "answered at once with every link; what was not compared is counted, and said once"),
    row(102, "resources_in_anothers_name", "a server lists resources and templates in another's name (mcproxy://other/…)", "every read is answered by the server that is named; the log says it once"),
    row(110, "names_of_others", "servers list names with other servers' prefixes, and their headings in their instructions", "each name leads to its own server, in every order of the file; one warning for each two; one heading each"),
    row(111, "list_changed_flood", "a server says 1 000 times a second that its 2 000 tools changed", "they are listed again, at most twice a second"),
    row(112, "updated_flood", "a server says 100 000 times a second that a resource changed that 50 clients subscribed to", "each client hears of it at least once and at most ten times a second, and of the last change; every call is answered"),
    row(120, "stopped_terminal", "Ctrl-S in the gateway's terminal", "every call is answered, servers come and go; SIGTERM: exit 0 within 10 s"),
    row(121, "stopped_terminal_on_one_core", "the same on one core", "the same"),
    row(122, "busy_handler", "a handler keeps its worker busy for seconds", "the others are served; the log says who and what while it lasts, once"),
    row(123, "sigterm_while_all_are_busy", "SIGTERM while a handler is busy on every worker", "exit 0 within 10 s when they end in time"),
    row(124, "second_sigterm_while_all_are_busy", "a second SIGTERM while a handler is busy on every worker, for ever", "exit 70 within 2 s; no process is left"),
    row(125, "stop_past_its_deadline", "a stop that does not come to its end: a handler is busy on every worker, for ever", "exit 70 at 10 s ± 1 s; no process is left"),
    row(130, "configuration_is_no_file", "a pipe, a device, a directory takes the place of the configuration", "an error names it; nothing restarts; a mended file is applied"),
    row(131, "token_file_is_a_pipe", "the token file becomes a pipe, then SIGHUP", "an error names it; reloads go on; SIGTERM ends the gateway within 10 s"),
    row(132, "odd_state_files", "the key is a pipe, a kept catalogue leads to /dev/zero, what was kept last is a link", "starts; an error names the key"),
    row(133, "another_configuration", "another configuration file was used in between, then the first is broken", "what the first one said last is run"),
    row(134, "programs_hang", "ten servers' programs, directories and PATHs are on a file system that hangs", "another server is served within 5 s; the log says what hangs; SIGTERM: exit 0 within 10 s"),
    row(135, "files_hang", "the file system with the configuration and the catalogues hangs", "calls are answered; the log names the file, once; SIGTERM: exit 0 within 10 s"),
    row(136, "start_hangs", "the file system with the state directory hangs at the start", "the log names it; SIGTERM: exit 0 within 2 s"),
    row(140, "forks_without_end", "a server is killed and leaves what forks anew and ends, over and over", "ended within 3 s, or the log says so with the server's name"),
    row(141, "daemons_pile_up", "a server goes on and leaves 40 daemons that nothing ties to it", "said with their number while it runs; said again when it ends; none outlives the gateway"),
    row(142, "record_says_dead", "a file says that a gateway which runs is dead", "its servers live on; a warning names the file"),
    row(143, "records_pile_up", "40 files of gateways in containers that are gone, and of older releases", "at most 17 are left after a start; one line tells of them"),
    row(144, "deleted_before_a_restart", "a session is deleted, then the gateway is killed and started again", "404 for it; another goes on"),
    row(150, "one_address_takes_all_sessions", "clients of one address open as many sessions as there may be", "a client of another address gets one: the oldest of theirs that has no call ends"),
    row(151, "one_address_takes_all_instances", "sessions of one address start as many instances of an isolated server as there may be", "a session of another address gets one; theirs are told \"busy\", and which limit it is"),
    row(152, "one_address_takes_all_subscriptions", "sessions of one address subscribe to as much as all together may", "a session of another address subscribes"),
    row(153, "many_subscriptions_renewed", "a server with 3 000 subscriptions of 8 KiB each is killed", "all are renewed; at most 8 MiB more meanwhile"),
    row(155, "burst", "16 results of 4 MiB at once", "at most 48 MiB more, 30 s later"),
    row(156, "strangers_without_a_token", "1100 connections of strangers, who have no token", "the owner of one is served within 5 s; the oldest of them makes room"),
    row(157, "strangers_where_no_token_is_asked_for", "1100 connections without a byte, where no token is asked for", "a new client is served within 5 s"),
    row(158, "streams_of_foreign_pages", "60 event streams whose Accept names none, as a foreign page's tags open them", "16 of them stay open, the youngest; those of others stay"),
    row(160, "stderr_of_many_servers", "five servers write to stderr as fast as they can", "the log grows by less than 1 MB a minute; what a sixth says is in it"),
    row(161, "names_that_change", "a server's 500 odd tool names change, and it refuses messages, as fast as it can", "the log grows by less than 1 MB a minute; what another server does is in it"),
    row(162, "sessions_in_a_loop", "clients open, delete and take up sessions and send what is refused, as fast as they can", "the log grows by less than 1 MB a minute"),
    row(163, "configuration_in_a_loop", "the configuration is written with other names and mistakes each time, as fast as it can be", "the log grows by less than 1 MB a minute; no name is left in the metrics; the last one is applied"),
    row(164, "unreadable_request", "a server's parser refuses a call and can't say which", "the call gets the error at once; another client's long call does not; beside others like it, it waits for its timeout"),
    row(165, "greedy_clients", "two clients take all the calls of a server that they get, and it answers none", "other clients' calls get through"),
    row(170, "million_fields", "a configuration in which a server has 250 000, then a million unknown fields", "at most 150 log lines; four times as many cost at most eight times the CPU time; servers keep their process"),
    row(171, "shared_state_directory", "a second gateway uses the same state directory", "a warning names it; the servers of both live on"),
    row(172, "planted_state_files", "links under the names of unfinished files and another user's key are in the state directory", "what the links lead to stays; the log names the key, which is not used"),
    row(200, "entries_clients_refuse", "a server lists tools that make clients refuse the list with all that others offer", "each is mended or left out, said once with its reason, counted and in the status; what is right passes byte for byte"),
    row(201, "answers_nobody_takes", "results and errors of another shape than MCP's, and answers that say nothing", "each call has its end within 1 s, with words that name the server and what is wrong"),
    row(202, "halves_of_characters", "an answer and a list with half of a character in them, which JSON readers refuse", "passed on with U+FFFD in its place"),
    row(203, "messages_over_several_lines", "a server indents its JSON, and one writes headers before it", "the log says within the start deadline what is wrong and what MCP wants"),
    row(210, "ends_when_done", "servers exit with 0 when they have answered one call, or three", "each call is answered; no failure, no notification, no log line for each end"),
    row(211, "ends_when_asked_what_it_has", "a server exits with 1 when it is asked for lists that it did not declare", "ready again within 2 s; no failure; after two ends at a list not asked for it again, by the next gateway either"),
    row(212, "fails_for_ever", "a server exits with 3 at each start and says why, another's command is missing", "40 failures are at most 30 lines for each; how it ended, its last line and the PATH are in them"),
    row(220, "idle_after_an_answer", "connections that were answered stay idle; some get the next header a byte a time, some began it with the request before", "those inside a header are closed after its time; the idle ones are served within theirs, and closed without a reset after it"),
    row(221, "idle_connections_make_room", "as many idle connections as there may be", "new clients are served within 1.5 s; the youngest of the idle ones stays"),
    row(222, "a_client_comes_back", "clients of three revisions open their stream 500 times over, and neither read nor end the one before", "each gets one; four of a session stay; the newest gets what is said, and the one before when that has gone"),
    row(230, "newer_client_at_the_older_address", "a client of Streamable HTTP is given the address of HTTP+SSE, and the other way round", "the first is served; the second is told its address"),
    row(231, "path_stripped_by_a_proxy", "a proxy takes a path off and does not say which", "the client's messages find the way back"),
    row(232, "prober_without_a_name", "a prober names no host, or a foreign one", "answered, where there is nothing else to see"),
    row(233, "tls_on_the_plain_port", "a client speaks TLS to the port, 100 times", "closed; named in the log, in at most 2 lines"),
    row(234, "refused_again_and_again", "13 kinds of wrong requests, 30 times each", "each is in the log with what to do, about once"),
    row(240, "stopped_while_clients_come", "SIGTERM while a call runs and clients come", "the call is finished, they are served; when servers are gone, a call is answered within 300 ms by a result that says so; streams end last, with a retry; nothing but /readyz is 503"),
    row(241, "stopped_while_others_hold_the_socket", "SIGTERM while others hold the listening socket", "who comes is not refused, and is served by the next gateway"),
    row(242, "killed_while_a_call_runs", "the gateway is killed while a call runs", "its client had a stream to resume within 3 s, and the next gateway answers on it: it may or may not have taken effect"),
    row(243, "deaf_after_a_restart", "the gateway is killed; a client does not listen again, and a list changes", "it is told on the stream of its next POST, once"),
    row(249, "stopped_behind_a_balancer", "SIGTERM with `shutdown_delay`, while a client calls and a server crashes", "unready at once, every call until the delay's end is answered by a server, the crashed one is back; then the stop"),
    row(250, "slow_first_starts", "at the gateway's start a server takes long, one never answers, one fails", "lists come after first_list_timeout without them, log and status name them, who listens is told of the late one; ready when readiness_timeout is over, or nobody is in a first start"),
    row(251, "later_page_fails", "a list's second page is an error, never comes, or is asked for with an empty cursor and is none", "the first page is offered; the status, the log and a metric say so; whole when the rest comes"),
    row(252, "lists_that_fail", "a server answers for two of its lists with an error and with nonsense", "what it offered stands; status and metric name each list and why, in the gateway's words"),
    row(253, "many_entries_left_out", "a server lists 2 040 entries that clients refuse, 2 000 of them for reasons of their own", "at most 11 lines, which say where all are named; each is counted; the status is bounded"),
    row(254, "slow_at_lists_it_did_not_declare", "a server is at one thing at a time and takes 3 s for each list that it did not declare", "no call waits for that while calls come; it is asked when none does"),
    row(255, "undeclared_lists_fail_by_chance", "a list that was not declared comes too late in one life, and as an error in the next", "it counts when it comes, stands through the error, and is asked for at each start"),
    row(260, "uris_clients_refuse", "a server lists resources whose URIs are none to a client, which refuses the list with all that is in it", "each is left out, said and counted; what is right passes byte for byte"),
    row(261, "numbers_too_long_to_read", "answers with whole numbers of 5 000 digits, which clients in Python drop without a word", "the call gets an error that names the server; other numbers pass byte for byte"),
    row(262, "junk_in_every_life", "a server writes 50 lines of junk in each of 40 lives, and exits with 3", "at most 14 log lines about them; each line is in a count of one"),
    row(270, "sessions_of_one_client", "140 sessions of one address each have a call at a server that answers none", "calls of another address get through, one after the other; the first has all but a sixteenth"),
    row(271, "bodies_of_one_client", "one address sends as many bodies as it may, large and small, all but their last byte", "large bodies of another address get through"),
    row(272, "connections_of_one_client", "one address uses as many connections as it may, each for a body of its session without an end", "another address opens a session and calls within 10 s"),
    row(273, "connections_of_one_token", "the owner of one token uses as many connections as it may, from the same address as the owner of another", "the other is served within 10 s"),
    row(280, "killed_under_its_holder", "--hold-port: the gateway is killed while clients come and go", "nobody is refused; who comes then is answered within 2 s, a session over /mcp too"),
    row(281, "restarted_under_its_holder", "--hold-port: SIGUSR2 while clients come and go and a call runs", "nobody is refused or cut off; the call is finished; the log says it in one line"),
    row(282, "crash_loop_under_its_holder", "--hold-port: the gateway is killed at each start", "started again after 0.2 s, 0.4 s, 0.8 s …; below 1 % of a core"),
    row(283, "stuck_under_its_holder", "--hold-port: the gateway is stopped, then SIGUSR2", "killed after 12 s, and the next one serves; who came meanwhile is answered"),
    row(284, "holder_killed", "--hold-port: the holder itself is killed", "the gateway ends in order within 10 s; no process is left; the port is free"),
    row(290, "pages_still_on_their_way", "at the gateway's start a list is still being paged when its server is ready without the rest", "a client's first lists wait for the rest, within first_list_timeout"),
    row(291, "first_configuration_comes_late", "the file is broken at the gateway's start, nothing is kept, and it is mended later", "lists are empty and given at once; after the mend first lists wait as at a start, and so does /readyz; who had an empty list is told"),
    row(292, "stopped_while_its_holder_pauses", "--hold-port: SIGTERM after the gateway was killed, before it is started again", "what ignores SIGTERM is gone too; exit 0 within 2 s"),
    row(293, "interrupted_while_its_holder_restarts_it", "--hold-port: ^C on a terminal while SIGUSR2 restarts the gateway", "it is the first signal: the call is finished, exit 0"),
    row(294, "dies_late_of_an_undeclared_list", "a server is silent about a list that it did not declare, and dies of it a second later", "two lives are asked, and no more; their ends are no failures"),
    row(295, "no_place_to_initialize", "who has as many connections in use as it may begins sessions on more, over both transports", "503; no session is left"),
    row(296, "first_server_comes_late", "the configuration has no servers at the gateway's start, and gets some later", "ready, and lists are empty and given at once; then first lists wait as at a start; who had an empty list is told"),
    row(300, "listen_that_reads_nothing", "a client without a session listens and reads nothing of what it is told", "what waits for it is bounded, and it is cut; who reads goes on hearing"),
    row(301, "equal_ids_in_both_eras", "eight clients, four with a session and four without, use the same ids and progress tokens", "no answer crosses in 100 000 interleaved calls (in CI 8 000)"),
    row(302, "reload_under_listens", "the file is saved while 100 clients without a session listen; then the gateway is stopped", "each is told within 1 s; a stop ends each stream with a result"),
    row(303, "modern_client_closes", "a client without a session closes its connection in every phase of a request", "the server is told to give up what runs within 1 s; nothing stays in flight or open"),
    row(304, "killed_under_modern_calls", "a server is killed under 60 calls of clients without a session", "each is answered once, with an error that names the server; the next call is served"),
    row(305, "held_calls_abandoned", "50 clients without a session are asked something, and never come again", "the next is asked and answered; a stop waits for none of them"),
    row(306, "killed_while_held", "the server that asked is killed while its question is shown", "who comes again is told at once which server ended; the next call is asked and answered"),
    row(307, "gateway_killed_while_held", "the gateway is killed while a call is held", "its successor knows the state, and says that what was held is gone; the next call is asked and answered"),
    row(310, "remote_not_reached", "a remote server refuses connections, has no address, or speaks no TLS where its URL says so", "the log says which; it is tried again; others ready"),
    row(311, "remote_does_not_let_in", "a remote server answers 401, and names where one logs in", "state unauthorized, no failure, said once and whenever somebody looks; tried at once when asked for, and served again"),
    row(312, "remote_forgets_the_session", "a remote server answers 404 to its session", "the call gets its error and is not sent again; begun anew within 2 s"),
    row(313, "remote_is_busy", "a remote server answers 429 and 503 with Retry-After", "the call's error says how long; before the handshake it is left alone for so long"),
    row(314, "remote_fails", "a remote server answers every call with 500", "each call gets an error with what it said, but no header; the fifth in a row ends that life"),
    row(315, "remote_stream_is_cut", "a remote server closes the stream of an answer in the middle of it", "the call's error says that it may have taken effect; it is not sent again"),
    row(316, "remote_behind_a_buffer", "a proxy before a remote server holds its stream back until its end", "the answer comes"),
    row(317, "remote_redirects", "a remote server redirects to another one", "nothing is sent there; the error says where that is"),
    row(318, "remote_body_without_an_end", "32 answers of a remote server at once, none of which ends", "each call is told the limit; memory as for a few of them"),
    row(319, "remote_says_nothing", "a remote server takes requests and says nothing", "each call gets its error in time; the third in a row is the end of that life"),
    row(320, "remote_floods", "a remote server says notifications as fast as they are read", "memory bounded; its call has its time"),
    row(321, "gateways_in_a_ring", "a gateway is configured as the server of one that is its own", "the last to be configured finds it, says so and does not use it; the others go on"),
    row(322, "remote_announces_only", "a remote server answers a call with status 103, again and again, as fast as it is read", "the call gets its error at once; no core is kept busy"),
    row(350, "called_as_it_falls_asleep", "a server that is started on demand is called at any moment of its falling asleep", "every call is answered by it, once"),
    row(351, "killed_as_it_wakes", "a server that is started on demand is killed while the calls that woke it wait", "started again as any other; all are answered, and it sleeps again"),
];

/// The row of this number.
pub(crate) fn of(number: u16) -> &'static Row {
    let found = ROWS.iter().find(|row| row.number == number);
    found.expect("a row of the matrix")
}

/// What a test is about: a row by its number, or a limit by its name.
pub(crate) trait Named {
    /// What its test is called.
    fn test(&self) -> String;
}

impl Named for u16 {
    fn test(&self) -> String {
        of(*self).test()
    }
}

impl Row {
    /// What its test is called.
    pub(crate) fn test(&self) -> String {
        format!("f{:02}_{}", self.number, self.name)
    }
}
