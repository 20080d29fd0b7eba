//! The engine against a real HTTP server on loopback.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod instagram;
#[cfg(test)]
mod instagram_login;
#[cfg(test)]
mod onlyfans;
#[cfg(test)]
mod pauses;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tiktok;
