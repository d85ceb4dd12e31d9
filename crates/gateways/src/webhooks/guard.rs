//! Where webhooks may go (OWASP API7:2023, server side request forgery).
//!
//! A name is resolved once, every address it has must be allowed, and the connection goes to exactly these
//! addresses: a name that leads elsewhere a moment later changes nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use url::{Host, Url};

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Self {
        Self { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    const fn v6(first: [u16; 4], bits: u8) -> Self {
        let [a, b, c, d] = first;
        Self { base: IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)), bits }
    }

    /// Whether the address is in it.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let rest = width.saturating_sub(u32::from(self.bits));
            a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0)
        };
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                same(u128::from(base.to_bits()), u128::from(address.to_bits()), 32)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => same(base.to_bits(), address.to_bits(), 128),
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, bits } = self;
        write!(f, "{base}/{bits}")
    }
}

/// Text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a network: write an address, or one with a number of bits, such as 10.0.0.0/8")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits)),
            None => (text, None),
        };
        let base: IpAddr = base.trim().parse().map_err(|_unsaid| wrong())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => {
                bits.trim().parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?
            }
        };
        Ok(Self { base, bits })
    }
}

/// Networks that webhooks may reach beside the open internet, over plain HTTP too: named by the operator, for
/// closed networks and tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Vec<Network>);

impl Allowed {
    /// These networks.
    #[must_use]
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    fn names(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(plain(address)))
    }

    fn may_reach(&self, address: IpAddr, https: bool) -> Result<(), Refused> {
        if self.names(address) {
            Ok(())
        } else if !is_global(address) {
            Err(Refused::Address)
        } else if https {
            Ok(())
        } else {
            Err(Refused::Plain)
        }
    }
}

impl fmt::Display for Allowed {
    /// As [`FromStr`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks: Vec<String> = self.0.iter().map(Network::to_string).collect();
        f.write_str(&networks.join(","))
    }
}

impl FromStr for Allowed {
    type Err = NotANetwork;
    /// Networks, separated by commas.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// An IPv4 address that stands in an IPv6 one as such (`::ffff:10.0.0.1`).
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// IPv4 addresses that are not single hosts of the open internet: IANA's registry of special purposes
/// (RFC 6890), and the former class E.
const SPECIAL_V4: &[Network] = &[
    Network::v4(0, 0, 0, 0, 8),       // this network
    Network::v4(10, 0, 0, 0, 8),      // private
    Network::v4(100, 64, 0, 0, 10),   // shared by carriers (CGNAT)
    Network::v4(127, 0, 0, 0, 8),     // loopback
    Network::v4(169, 254, 0, 0, 16),  // link-local; metadata of clouds
    Network::v4(172, 16, 0, 0, 12),   // private
    Network::v4(192, 0, 0, 0, 24),    // protocol assignments
    Network::v4(192, 0, 2, 0, 24),    // documentation
    Network::v4(192, 31, 196, 0, 24), // AS112
    Network::v4(192, 52, 193, 0, 24), // AMT
    Network::v4(192, 88, 99, 0, 24),  // relays of 6to4
    Network::v4(192, 168, 0, 0, 16),  // private
    Network::v4(192, 175, 48, 0, 24), // AS112
    Network::v4(198, 18, 0, 0, 15),   // benchmarks
    Network::v4(198, 51, 100, 0, 24), // documentation
    Network::v4(203, 0, 113, 0, 24),  // documentation
    Network::v4(224, 0, 0, 0, 4),     // multicast
    Network::v4(240, 0, 0, 0, 4),     // reserved, and broadcast
];

/// The part of IPv6 that is given to hosts of the open internet; all outside of it is something else (unspecified,
/// loopback, mapped and compatible IPv4, NAT64, discard, ULA, link-local, site-local, multicast).
const UNICAST_V6: Network = Network::v6([0x2000, 0, 0, 0], 3);

/// What of it is not.
const SPECIAL_V6: &[Network] = &[
    Network::v6([0x2001, 0, 0, 0], 23), // protocol assignments: Teredo, ORCHID, benchmarks
    Network::v6([0x2001, 0xdb8, 0, 0], 32), // documentation
    Network::v6([0x2002, 0, 0, 0], 16), // 6to4: an IPv4 address inside
    Network::v6([0x2620, 0x4f, 0x8000, 0], 48), // AS112
    Network::v6([0x3ffe, 0, 0, 0], 16), // the former 6bone
    Network::v6([0x3fff, 0, 0, 0], 20), // documentation
];

/// Whether this is the address of one host on the open internet.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    match plain(address) {
        // mapped: what matters is the address inside
        IpAddr::V4(_) => !SPECIAL_V4.iter().any(|network| network.holds(plain(address))),
        IpAddr::V6(_) => {
            UNICAST_V6.holds(address) && !SPECIAL_V6.iter().any(|network| network.holds(address))
        }
    }
}

/// Why an address is not connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is none of the open internet.
    Address,
    /// It is, but the connection would not be encrypted.
    Plain,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "the address is not one that may be reached",
            Self::Plain => "the address may be reached by https only",
        })
    }
}

impl std::error::Error for Refused {}

/// Resolves names and lets nothing through that [`Allowed`] does not.
#[derive(Debug)]
pub(super) struct GuardedResolver {
    system: DefaultResolver,
    allowed: Allowed,
}

impl GuardedResolver {
    pub(super) fn new(allowed: Allowed) -> Self {
        Self { system: DefaultResolver::default(), allowed }
    }
}

impl Resolver for GuardedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let https = uri.scheme_str() == Some("https");
        let found = match self.system.resolve(uri, config, timeout) {
            // how the system says that there is no such name
            Err(ureq::Error::Io(_)) => return Err(ureq::Error::HostNotFound),
            found => found?,
        };
        // all of them: a name that mixes good and bad addresses tries something
        for address in found.iter() {
            self.allowed
                .may_reach(address.ip(), https)
                .map_err(|refused| ureq::Error::Other(Box::new(refused)))?;
        }
        Ok(found)
    }
}

/// What is wrong with an address that somebody wants events sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It cannot be read.
    #[error("This is not the address of a web server.")]
    NotAnAddress,
    /// Neither `https` nor `http`.
    #[error("The address begins with https://.")]
    Scheme,
    /// `http`, to a host that is in no network of the operator.
    #[error(
        "The address begins with https://; plain http is for networks that the operator allows."
    )]
    HttpsNeeded,
    /// It holds a user or a password.
    #[error("The address must not hold a user or a password.")]
    Credentials,
    /// It holds a part behind `#`, which is never sent.
    #[error("The address must not hold a fragment (#).")]
    Fragment,
    /// A port that belongs to another service.
    #[error("Webhooks are not sent to this port; use 443, 80, or one from 1024 on.")]
    Port,
    /// A literal address that is not reached.
    #[error("Webhooks are not sent to this network address.")]
    Address,
}

/// Ports from 1024 on that belong to services which could take a request for something else (the Fetch standard's
/// bad ports, and common databases and caches).
const BAD_PORTS: &[u16] = &[
    1433, 1521, 1719, 1720, 1723, 2049, 2375, 2379, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432,
    6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080, 11211, 27017,
];

/// Reads an address and gives it back in its one normal form. What a name leads to is not looked at here but when
/// a message is sent.
///
/// # Errors
/// What is wrong with it.
pub fn check_url(text: &str, allowed: &Allowed) -> Result<String, UrlFault> {
    let url = Url::parse(text).map_err(|_unsaid| UrlFault::NotAnAddress)?;
    let https = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err(UrlFault::Scheme),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlFault::Credentials);
    }
    if url.fragment().is_some() {
        return Err(UrlFault::Fragment);
    }
    let address = match url.host().ok_or(UrlFault::NotAnAddress)? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
    };
    match address.map(|address| allowed.may_reach(address, https)) {
        Some(Err(Refused::Address)) => return Err(UrlFault::Address),
        Some(Err(Refused::Plain)) => return Err(UrlFault::HttpsNeeded),
        // where networks are allowed, a name may lead there: that is seen when a message is sent
        None if !https && allowed.0.is_empty() => return Err(UrlFault::HttpsNeeded),
        Some(Ok(())) | None => {}
    }
    match url.port_or_known_default() {
        // a network of the operator's own may have its receiver anywhere
        _ if address.is_some_and(|address| allowed.names(address)) => {}
        Some(80 | 443) => {}
        Some(port) if port >= 1024 && !BAD_PORTS.contains(&port) => {}
        _ => return Err(UrlFault::Port),
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const INNER_V4: &str = "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 \
        169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.1.1 \
        198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 \
        255.255.255.255";
    const INNER_V6: &str = ":: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::8.8.8.8 \
        64:ff9b::10.0.0.1 64:ff9b:1::1 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 \
        2002:7f00:1:: 2002:a00:1::1 2002:808:808::1 2620:4f:8000::1 3ffe::1 3fff::1 4000::1 5f00::1 fc00::1 \
        fd12:3456::1 fe80::1 fec0::1 ff02::1";
    const GLOBAL: &str = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 128.0.0.1 169.253.255.255 \
        172.15.255.255 172.32.0.0 192.0.1.1 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 \
        223.255.255.255 ::ffff:8.8.8.8 2001:200::1 2001:4860:4860::8888 2606:4700:4700::1111 \
        2a00:1450:4001::1";

    #[test]
    fn only_single_hosts_of_the_open_internet_are_global() {
        for address in INNER_V4.split(' ').chain(INNER_V6.split(' ')) {
            assert!(!is_global(ip(address)), "{address}");
        }
        for address in GLOBAL.split(' ') {
            assert!(is_global(ip(address)), "{address}");
        }
    }

    #[test]
    fn networks_of_the_operator_are_reached_and_their_neighbours_are_not() {
        let allowed: Allowed = "127.0.0.0/8, 10.1.2.3,fd00::/8".parse().unwrap();
        for address in ["127.0.0.1", "127.9.9.9", "10.1.2.3", "::ffff:127.0.0.1", "fd12::1"] {
            assert_eq!(allowed.may_reach(ip(address), false), Ok(()), "{address}");
        }
        for address in ["10.1.2.4", "128.0.0.0", "169.254.169.254", "fc00::1", "::1"] {
            assert!(allowed.may_reach(ip(address), false).is_err(), "{address}");
        }
        assert_eq!(allowed.may_reach(ip("8.8.8.8"), true), Ok(()));
        assert_eq!(allowed.may_reach(ip("8.8.8.8"), false), Err(Refused::Plain));
        assert_eq!(allowed.to_string(), "127.0.0.0/8,10.1.2.3/32,fd00::/8");
        assert_eq!(allowed.to_string().parse().as_ref(), Ok(&allowed));
        assert_eq!(Allowed::default().to_string().parse(), Ok(Allowed::default()));
        assert!("0.0.0.0/0".parse::<Network>().unwrap().holds(ip("9.9.9.9")));
        for wrong in ["10.0.0.0/33", "10.0.0/8", "here", "::/129", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_of_webhooks_are_checked() {
        let open = Allowed::default();
        let fault = |text: &str| check_url(text, &open).err();
        for good in [
            "https://hooks.example.com/a/b?c=d",
            "https://example.com:8443/",
            "https://8.8.8.8/x",
            "https://[2606:4700:4700::1111]/",
        ] {
            assert_eq!(check_url(good, &open).as_deref(), Ok(good));
        }
        for (bad, why) in [
            ("example.com", UrlFault::NotAnAddress),
            ("https://", UrlFault::NotAnAddress),
            ("/hooks", UrlFault::NotAnAddress),
            ("ftp://example.com/", UrlFault::Scheme),
            ("file:///etc/passwd", UrlFault::Scheme),
            ("gopher://example.com/", UrlFault::Scheme),
            ("http://example.com/", UrlFault::HttpsNeeded),
            ("http://8.8.8.8/", UrlFault::HttpsNeeded),
            ("https://user@example.com/", UrlFault::Credentials),
            ("https://:secret@example.com/", UrlFault::Credentials),
            ("https://example.com/#part", UrlFault::Fragment),
            ("https://example.com:22/", UrlFault::Port),
            ("https://example.com:25/", UrlFault::Port),
            ("https://example.com:5432/", UrlFault::Port),
            ("https://example.com:0/", UrlFault::Port),
            ("https://127.0.0.1/", UrlFault::Address),
            ("http://127.0.0.1/", UrlFault::Address),
            ("https://2130706433/", UrlFault::Address),
            ("https://0x7f.1/", UrlFault::Address),
            ("https://0177.0.0.1/", UrlFault::Address),
            ("https://127.1/", UrlFault::Address),
            ("https://0/", UrlFault::Address),
            ("https://169.254.169.254/latest/meta-data/", UrlFault::Address),
            ("https://[::1]/", UrlFault::Address),
            ("https://[::ffff:127.0.0.1]/", UrlFault::Address),
            ("https://[64:ff9b::a00:1]/", UrlFault::Address),
            ("https://１２７.0.0.1/", UrlFault::Address),
        ] {
            assert_eq!(fault(bad), Some(why), "{bad}");
        }
        let own: Allowed = "127.0.0.0/8".parse().unwrap();
        assert!(check_url("http://127.0.0.1:9000/hook", &own).is_ok());
        assert!(check_url("http://localhost:9000/hook", &own).is_ok());
        assert_eq!(check_url("http://10.0.0.1/hook", &own), Err(UrlFault::Address));
    }

    /// A name is judged by what it leads to, at the moment of sending.
    #[test]
    fn a_name_that_leads_inside_is_not_connected_to() {
        let client = super::super::Client::new(&Allowed::default());
        let message =
            super::super::Message { id: "1", timestamp: 1, signature: "v1,", body: b"{}" };
        for url in ["https://localhost:9/", "http://localhost:9/", "https://127.1:9/"] {
            let (sent, _) = client.send(url, message);
            assert_eq!(sent, Err(super::super::Failure::AddressRefused), "{url}");
        }
    }
}
