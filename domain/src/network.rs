//! Ranges of network addresses: trusted proxies, and where a key may be used from.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// The text is not a range of network addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a network such as 10.0.0.0/8 or 2001:db8::/32.")]
pub struct InvalidNetwork(String);

/// A range of network addresses in CIDR form; one address is a range too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    prefix: u32,
}

impl Network {
    /// Tells whether the address is in the range. IPv4 addresses count as their IPv6-mapped form.
    pub fn contains(&self, address: IpAddr) -> bool {
        let shift = 128 - self.prefix;
        mapped(address).to_bits().checked_shr(shift).unwrap_or(0) == self.bits.checked_shr(shift).unwrap_or(0)
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let fault = || InvalidNetwork(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| fault())?;
        let (offset, longest) = if address.is_ipv4() { (96, 32) } else { (0, 128) };
        let prefix = match prefix {
            Some(prefix) => prefix.parse::<u32>().ok().filter(|prefix| *prefix <= longest).ok_or_else(fault)?,
            None => longest,
        };

        Ok(Self { bits: mapped(address).to_bits(), prefix: offset + prefix })
    }
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Ipv6Addr::from_bits(self.bits);
        match address.to_ipv4_mapped() {
            Some(address) if self.prefix >= 96 => write!(f, "{address}/{}", self.prefix - 96),
            _ => write!(f, "{address}/{}", self.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "203.0.113.9", true),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{network:?} {address}");
        }
        assert!("10.0.0.0/33".parse::<Network>().is_err() && "ten".parse::<Network>().is_err());
    }

    #[test]
    fn a_network_is_printed_as_it_is_read() {
        for text in ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::1/128", "0.0.0.0/0"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
    }
}
