-- Times are Unix microseconds, sequence numbers those of this index. What is in braces is
-- written differently for SQLite and PostgreSQL (see dialect).

-- How far the index has come: one row. Who writes locks it first.
CREATE TABLE position (
	one       INTEGER PRIMARY KEY CHECK (one = 1),
	cursor    {text}  NOT NULL,
	epoch     BIGINT  NOT NULL,
	high      BIGINT  NOT NULL,
	medium    BIGINT  NOT NULL,
	low       BIGINT  NOT NULL,
	own       BOOLEAN NOT NULL,
	seq       BIGINT  NOT NULL, -- of the last event
	epoch_seq BIGINT  NOT NULL  -- of the last event before the present epoch
);
INSERT INTO position VALUES (1, '', 0, 0, 0, 0, FALSE, 0, 0);

-- A type in a class, with how many events of it were ever stored. A row for both in one
-- makes the index events_type one of classes as well.
CREATE TABLE types (
	num    INTEGER PRIMARY KEY,
	name   {text}  NOT NULL,
	class  INTEGER NOT NULL,
	events BIGINT  NOT NULL,
	UNIQUE (name, class)
);

CREATE TABLE events (
	seq      {key},
	cursor   {text}  NOT NULL,
	position BIGINT  NOT NULL,
	type     INTEGER NOT NULL,
	time     BIGINT  NOT NULL,
	received BIGINT  NOT NULL,
	data     {text}  NOT NULL
);
CREATE INDEX events_type ON events (type, seq);

-- Which sequence numbers the rows of a table have whose time is in a span of ten minutes:
-- lists are in the order of those numbers, and this finds a time in them.
CREATE TABLE spans (
	kind      {text} NOT NULL, -- events or messages
	time      BIGINT NOT NULL, -- the span begins
	first_seq BIGINT NOT NULL,
	last_seq  BIGINT NOT NULL,
	PRIMARY KEY (kind, time)
) {clustered};

CREATE TABLE identifiers (
	num    {serial},
	id     {text} NOT NULL,
	kind   {text} NOT NULL,
	events BIGINT NOT NULL, -- that are stored
	last   BIGINT NOT NULL, -- time of the last
	UNIQUE (id, kind)
);

CREATE TABLE timeline (
	seq   BIGINT NOT NULL,
	num   BIGINT NOT NULL,
	field {text} NOT NULL,
	PRIMARY KEY (seq, num)
) {clustered};
CREATE INDEX timeline_num ON timeline (num, seq);

CREATE TABLE messages (
	seq               {key}, -- of the first event about it
	id                {text} NOT NULL UNIQUE,
	last_seq          BIGINT NOT NULL, -- of the last event about it
	state             {text} NOT NULL,
	depth             {text} NOT NULL,
	added             BIGINT,
	settled           BIGINT,
	finality_type     {text} NOT NULL,
	rejection_type    {text} NOT NULL,
	reason            {text} NOT NULL,
	deposit           {text} NOT NULL, -- its state; empty without one
	deposit_amount    {text} NOT NULL,
	deposit_validator {text} NOT NULL,
	deposit_reason    {text} NOT NULL,
	deposit_updated   BIGINT NOT NULL,
	updated           BIGINT NOT NULL
);
CREATE INDEX messages_state ON messages (state, seq);
CREATE INDEX messages_deposit ON messages (deposit, seq) WHERE deposit <> '';

CREATE TABLE tips (
	id    {text} PRIMARY KEY,
	place BIGINT NOT NULL, -- in the node's list
	since BIGINT NOT NULL
) {clustered};

CREATE TABLE accounts (
	address     {text} PRIMARY KEY,
	balance     {text} NOT NULL,
	rank        DOUBLE PRECISION NOT NULL, -- the balance as a number
	changes     BIGINT NOT NULL,
	last_amount {text} NOT NULL,
	last_change {text} NOT NULL,
	sent        BIGINT NOT NULL,
	received    BIGINT NOT NULL,
	updated     BIGINT NOT NULL
) {clustered};
CREATE INDEX accounts_rank ON accounts (rank DESC, address);

CREATE TABLE validators (
	address    {text} PRIMARY KEY,
	reputation DOUBLE PRECISION,
	rank       DOUBLE PRECISION NOT NULL, -- the reputation, or less than any
	changes    BIGINT NOT NULL,
	reason     {text} NOT NULL,
	escrowed   BIGINT NOT NULL,
	released   BIGINT NOT NULL,
	slashed    BIGINT NOT NULL,
	updated    BIGINT NOT NULL
) {clustered};
CREATE INDEX validators_rank ON validators (rank DESC, address);

-- Proposals are few: what is not asked for is one document.
CREATE TABLE proposals (
	seq      {key}, -- of the first event about it
	id       {text} NOT NULL UNIQUE,
	status   {text} NOT NULL,
	document {text} NOT NULL
);
CREATE INDEX proposals_status ON proposals (status, seq);

CREATE TABLE series (
	step   BIGINT NOT NULL, -- seconds
	metric {text} NOT NULL,
	time   BIGINT NOT NULL, -- the step begins
	count  BIGINT NOT NULL,
	sum    DOUBLE PRECISION NOT NULL,
	min    DOUBLE PRECISION NOT NULL,
	max    DOUBLE PRECISION NOT NULL,
	last   DOUBLE PRECISION NOT NULL,
	PRIMARY KEY (step, time, metric)
) {clustered};
CREATE INDEX series_metric ON series (step, metric, time);

-- The newest value of each metric that has values.
CREATE TABLE latest (
	metric {text} PRIMARY KEY,
	value  DOUBLE PRECISION NOT NULL,
	time   BIGINT NOT NULL
) {clustered};

-- Counts that would be dear to make anew.
CREATE TABLE totals (
	name  {text} PRIMARY KEY,
	value BIGINT NOT NULL
) {clustered};
