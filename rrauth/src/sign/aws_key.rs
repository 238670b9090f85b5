//! The keys that AWS derives from a secret access key: one for each day, region and service.

use std::sync::Arc;

use rrcore::Handle;
use zeroize::Zeroizing;

use crate::sign::aws_time::Stamp;
use crate::sign::mac::MacKey;

/// Derives signing keys, and keeps the latest day's. Reading it takes no lock.
pub(crate) struct SigningKeys {
    origin: Origin,
    latest: Handle<DayKey>,
}

/// What a day's requests are signed with.
pub(crate) struct DayKey {
    day: u64,
    /// `20150830`.
    pub(crate) date: String,
    /// `20150830/us-east-1/service/aws4_request`.
    pub(crate) scope: String,
    pub(crate) key: MacKey,
}

struct Origin {
    secret: MacKey,
    region: String,
    service: String,
}

impl SigningKeys {
    pub(crate) fn new(secret: &str, region: &str, service: &str) -> Self {
        let secret = Zeroizing::new(format!("AWS4{secret}"));
        let origin = Origin {
            secret: MacKey::new(secret.as_bytes()),
            region: region.to_owned(),
            service: service.to_owned(),
        };
        let latest = Handle::new(origin.key_of(Stamp::EPOCH));
        Self { origin, latest }
    }

    /// The key of the day that `stamp` is in.
    pub(crate) fn of(&self, stamp: Stamp) -> Arc<DayKey> {
        let latest = self.latest.get();
        if latest.day == stamp.day {
            return latest;
        }
        // Several requests may find a new day at once. Each derives the same key.
        let key = Arc::new(self.origin.key_of(stamp));
        self.latest.set(Arc::clone(&key));
        key
    }

    pub(crate) fn region(&self) -> &str {
        &self.origin.region
    }

    pub(crate) fn service(&self) -> &str {
        &self.origin.service
    }
}

impl Origin {
    fn key_of(&self, stamp: Stamp) -> DayKey {
        let (date, region, service) = (stamp.date(), &self.region, &self.service);
        let scope = format!("{date}/{region}/{service}/{TERMINATOR}");
        let of_date = self.secret.of_parts(&[date.as_bytes()]);
        let of_region = MacKey::new(&*of_date).of_parts(&[region.as_bytes()]);
        let of_service = MacKey::new(&*of_region).of_parts(&[service.as_bytes()]);
        let key = MacKey::new(&*MacKey::new(&*of_service).of_parts(&[TERMINATOR.as_bytes()]));
        DayKey { day: stamp.day, date, scope, key }
    }
}

const TERMINATOR: &str = "aws4_request";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;
    use std::time::Duration;

    // The example of AWS' documentation has the key itself; what stands here is what that key,
    // c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9, says.
    #[test]
    fn a_days_key_is_kept_and_the_next_day_has_another() {
        let keys = SigningKeys::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "iam");
        let at = |seconds| keys.of(Stamp::of(Duration::from_secs(seconds)));
        let documented = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9";
        let mut bytes = [0; 32];
        hex::decode_into(documented.as_bytes(), &mut bytes).unwrap();
        let says = |key: &MacKey| key.of_parts(&[b"message"]);

        let first = at(1_440_938_160);
        assert_eq!(says(&first.key), says(&MacKey::new(&bytes)));
        assert_eq!(
            (&*first.date, &*first.scope),
            ("20150830", "20150830/us-east-1/iam/aws4_request")
        );
        assert!(Arc::ptr_eq(&first, &at(1_440_979_199)));
        let next = at(1_440_979_200);
        assert_ne!(says(&next.key), says(&first.key));
        assert_eq!(next.date, "20150831");
        // A clock that is set back finds its day again.
        assert_eq!(says(&at(1_440_938_160).key), says(&first.key));
    }
}
