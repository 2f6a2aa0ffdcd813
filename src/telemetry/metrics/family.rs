//! Every metric name, once, with its help, its type and its labels.

/// One metric family of the page.
#[derive(Debug)]
pub(super) struct Family {
    /// Full name.
    pub(super) name: &'static str,
    /// `# HELP`.
    pub(super) help: &'static str,
    /// `# TYPE`.
    pub(super) kind: Kind,
    /// Label names, in the order in which values are given.
    pub(super) labels: &'static [&'static str],
}

/// Type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations in [`super::histogram::BOUNDS`].
    Histogram,
    /// Durations in [`super::spans::BOUNDS`].
    Spans,
}

/// Defines the families and the list of all of them.
macro_rules! families {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(pub(super) static $constant: Family = Family {
            name: $name,
            help: $help,
            kind: Kind::$kind,
            labels: &[$($label),*],
        };)+

        /// All of them.
        pub(super) static ALL: &[&Family] = &[$(&$constant),+];
    };
}

families! {
    BUILD_INFO = Gauge "spillway_build_info" ["version", "revision"]
        "Always 1; the labels say what is running.";
    POLICY_REVISION = Gauge "spillway_policy_revision" []
        "Revision of the policy in force.";
    POLICY_RELOADS = Counter "spillway_policy_reloads_total" ["result"]
        "Attempts to change the policy, by result: success or failure (the old policy stayed).";
    POLICY_LAST_RESULT = Gauge "spillway_policy_last_reload_successful" []
        "0 when the last attempt to change the policy failed, else 1.";
    POLICY_LAST_SUCCESS = Gauge "spillway_policy_last_reload_success_timestamp_seconds" []
        "Unix time at which the policy in force was loaded.";

    REQUESTS = Counter "spillway_requests_total" ["route", "class", "outcome", "code"]
        "Finished requests by route, class, outcome and status code.";
    REQUEST_DURATION = Histogram "spillway_request_duration_seconds" ["route", "class"]
        "Time from the request head to the end of the response.";
    DECISIONS = Counter "spillway_decisions_total" ["route", "class", "decision", "reason", "mode"]
        "Judgements, also those that shadow mode only counts.";

    LIMIT_RATE = Gauge "spillway_limit_rate_per_second" ["limit"]
        "Sustained rate of the limit in force.";
    LIMIT_TOKENS = Gauge "spillway_limit_tokens" ["limit"]
        "Tokens left in the bucket of a global limit.";
    LIMIT_KEYS = Gauge "spillway_limit_keys" ["limit"]
        "Buckets held by the limit.";
    LIMIT_EVICTIONS = Counter "spillway_limit_evictions_total" ["limit"]
        "Buckets dropped because the limit held too many.";
    LIMIT_REFUSALS = Counter "spillway_limit_refusals_total" ["limit", "mode"]
        "Requests that the limit refused, or in shadow mode would have refused.";

    CAPACITY_LIMIT = Gauge "spillway_capacity_limit" ["origin"]
        "Requests the origin may have at once; absent when unlimited.";
    CAPACITY_IN_USE = Gauge "spillway_capacity_in_use" ["origin", "class"]
        "Requests at the origin.";
    CAPACITY_STATE = Gauge "spillway_capacity_state" ["origin", "state"]
        "1 for the state an origin of adaptive capacity is in, 0 for the others: learning, steady, overloaded or recovering.";
    CAPACITY_DECISIONS = Counter "spillway_capacity_decisions_total" ["origin", "cause"]
        "Changes of an adaptive limit, by the signal that caused them.";
    CAPACITY_BEGIN_RATE = Gauge "spillway_capacity_begin_rate_per_second" ["origin"]
        "Shoppers who may begin a second so that those who did can finish; absent where it is not known.";
    PRIORITY_CURSOR = Gauge "spillway_priority_cursor" ["origin"]
        "Share of classes and cohorts whose newcomers may try for a seat: 1 is everybody.";
    SEAT_WAIT = Histogram "spillway_seat_wait_seconds" ["class"]
        "Time a request waited for a seat, granted or not; 0 when it got one at once.";
    SEAT_WAITING = Gauge "spillway_seat_waiting" ["class"]
        "Requests waiting for a seat.";

    ROOM_WAITING = Gauge "spillway_room_waiting" ["room"]
        "Places in line whose holders are there.";
    ROOM_INSIDE = Gauge "spillway_room_inside" ["room"]
        "Shoppers inside.";
    ROOM_CALLED = Gauge "spillway_room_called" ["room"]
        "Shoppers whose turn it is and who have not come in yet.";
    ROOM_CAP = Gauge "spillway_room_cap" ["room"]
        "Most shoppers inside and called together.";
    ROOM_STATE = Gauge "spillway_room_state" ["room", "state"]
        "1 for the state the room is in, 0 for the others: off, lobby, open, paused, closed or sold-out.";
    ROOM_ADMIT_RATE = Gauge "spillway_room_admit_rate_per_second" ["room"]
        "Shoppers let in a second at most; absent where only the cap bounds it.";
    ROOM_JOINED = Counter "spillway_room_joined_total" ["room"]
        "Places given in line.";
    ROOM_ADMITTED = Counter "spillway_room_admitted_total" ["room"]
        "Shoppers who came in, whether or not they waited.";
    ROOM_ABANDONED = Counter "spillway_room_abandoned_total" ["room"]
        "Shoppers who left the line before their turn.";
    ROOM_COMPLETED = Counter "spillway_room_completed_total" ["room"]
        "Shoppers who were done and whose place inside was free at once.";
    ROOM_WOULD_WAIT = Counter "spillway_room_would_wait_total" ["room"]
        "Shoppers who would have waited if the room were not off.";
    ROOM_WAIT = Spans "spillway_room_wait_seconds" ["room"]
        "Time from the place in line to the turn.";
    ROOM_ETA_ERROR = Spans "spillway_room_eta_error_seconds" ["room"]
        "Difference between the wait and the likely wait shown at joining.";
    ROOM_PROMISES = Counter "spillway_room_promises_total" ["room", "kept"]
        "Waits by what became of the estimate shown at joining: over within the likely one, within the late one, or broken.";
    ROOM_TICKET_REJECTS = Counter "spillway_room_ticket_rejects_total" ["room", "reason"]
        "Tickets and passes that were not believed.";
    ROOM_STORE_HEALTHY = Gauge "spillway_room_store_healthy" []
        "0 while what happens in the rooms cannot be kept over a restart, else 1.";
    ROOM_STORE_ERRORS = Counter "spillway_room_store_errors_total" []
        "Failed attempts to keep what happens in the rooms.";

    ORIGIN_DURATION = Histogram "spillway_origin_duration_seconds" ["origin"]
        "Time from the request sent to the response head of the origin.";
    ORIGIN_HEALTHY = Gauge "spillway_origin_healthy" ["origin", "server"]
        "1 when the server may get requests, 0 when not.";
    ORIGIN_CONNECTIONS = Gauge "spillway_origin_connections" ["origin", "server", "state"]
        "Connections to the server, active or idle.";
    ORIGIN_RETRIES = Counter "spillway_origin_retries_total" ["origin", "reason"]
        "Requests sent to the origin again.";
    ORIGIN_UTILISATION = Gauge "spillway_origin_utilisation" ["origin"]
        "How full the origin is as it says itself, 1 being full; absent when it does not say.";
    ORIGIN_LOAD_REPORTS = Counter "spillway_origin_load_reports_total" ["origin", "result"]
        "Reports of the origin's load, by result: used or ignored (it said nothing of use, or what cannot be).";

    CONNECTIONS = Gauge "spillway_connections" ["listener", "protocol"]
        "Open client connections.";
    TLS_HANDSHAKES = Counter "spillway_tls_handshakes_total" ["listener", "result", "version"]
        "TLS handshakes with clients.";
    CERTIFICATE_EXPIRY = Gauge "spillway_tls_certificate_expiry_timestamp_seconds" ["name"]
        "Unix time at which the certificate stops being valid.";
    PROTOCOL_ERRORS = Counter "spillway_protocol_errors_total" ["kind"]
        "Breaches of protocol by clients.";

    SATURATION = Gauge "spillway_saturation_ratio" ["resource"]
        "How full the fullest of each resource is: 1 is all of it.";
    SATURATION_LEVEL = Gauge "spillway_saturation_level" ["resource"]
        "What is refused for the sake of the proxy itself: 0 nothing, 1 background, 2 to 4 classes without a guarantee, 5 all but the most important class.";
    CONNECTIONS_REFUSED = Counter "spillway_connections_refused_total" ["listener"]
        "Client connections refused because too many were open.";
    POLL_DELAY = Histogram "spillway_worker_poll_delay_seconds" ["worker"]
        "How late a timer of the worker fired: what any event had to wait for its turn.";

    ACCESS_LOG_DROPPED = Counter "spillway_access_log_dropped_total" []
        "Lines of the access log not written because its writer was behind or failing.";
    ACCESS_LOG_ERRORS = Counter "spillway_access_log_errors_total" []
        "Failed attempts to write or open the access log.";

    PROCESS_CPU = Counter "process_cpu_seconds_total" []
        "Total user and system CPU time spent in seconds.";
    PROCESS_RESIDENT = Gauge "process_resident_memory_bytes" []
        "Resident memory size in bytes.";
    PROCESS_VIRTUAL = Gauge "process_virtual_memory_bytes" []
        "Virtual memory size in bytes.";
    PROCESS_OPEN_FDS = Gauge "process_open_fds" []
        "Number of open file descriptors.";
    PROCESS_MAX_FDS = Gauge "process_max_fds" []
        "Maximum number of open file descriptors.";
    PROCESS_START = Gauge "process_start_time_seconds" []
        "Start time of the process since unix epoch in seconds.";
    PROCESS_THREADS = Gauge "process_threads" []
        "Number of OS threads in the process.";
}
