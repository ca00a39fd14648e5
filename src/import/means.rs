//! What a field of an entry can mean.

/// The meaning of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// What runs: a text, a list with the arguments in it, or an object of these.
    Command,
    /// Its arguments.
    Args,
    /// What is added to its environment.
    Env,
    /// The same, and what is `null` or empty is the program's own.
    EnvOrInherited,
    /// Names of variables that are handed on.
    EnvNames,
    /// A file with variables.
    EnvFile,
    /// Its working directory.
    Cwd,
    /// How it is spoken to, or whose it is.
    Kind,
    /// Something about a server that runs elsewhere.
    Elsewhere(Elsewhere),
    /// How long a start may take.
    StartTimeout(Time),
    /// How long a call may take.
    CallTimeout(Time),
    /// What it is for.
    Description,
    /// What is shown of what it offers.
    Filter(Filter, Thing),
    /// A field of ours, taken as it is.
    Ours,
    /// Nothing that matters here.
    Nothing,
    /// Something that is not to be had here.
    Lost(&'static str),
}

/// What is to be known of a server that runs elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Its address.
    Url,
    /// What is sent with each request.
    Headers,
    /// The same, by the names of variables.
    HeaderVariables,
    /// A token that is sent.
    Bearer,
    /// The same, by the name of a variable.
    BearerVariable,
    /// Its user signs in with a browser.
    SignIn,
}

/// What a number of time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    Seconds,
    Milliseconds,
    /// Milliseconds from a thousand on.
    Either,
}

/// How a filter is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// A list of what is shown.
    Allow,
    /// The same, and an empty one is none.
    AllowUnlessEmpty,
    /// A list of what is hidden.
    Deny,
    /// `{"a": false}` or `{"a": {"enabled": false, "description": "…"}}`.
    Switches,
    /// `{"mode": "allow", "list": […]}`.
    Mode,
}

/// What a filter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    Tools,
    Prompts,
    Resources,
}

/// What a program fills in in texts, beside `${VAR}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum References {
    /// Nothing else.
    Ours,
    /// Not even that.
    None,
    /// `$VAR`.
    Dollar,
    /// `{env:VAR}`.
    Braces,
    /// `${input:id}` and `${userHome}`.
    VsCode,
}
