//! The engine against HTTP servers on loopback.

#[cfg(test)]
mod authorization;
#[cfg(test)]
mod custom_provider;
#[cfg(test)]
mod error_responses;
#[cfg(test)]
mod instagram;
#[cfg(test)]
mod instagram_login;
#[cfg(test)]
mod onlyfans;
#[cfg(test)]
mod profile;
#[cfg(test)]
mod rate_limits;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tiktok;
#[cfg(test)]
mod tolerant_reading;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod vectors;
