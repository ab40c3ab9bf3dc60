//! How a service is reached: the values of an endpoint specification.

/// What a service's name resolves to (`endpoint_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResolutionMode {
    /// One virtual IP, which balances between the tasks (the default).
    Vip,
    /// The addresses of the tasks (DNS round robin).
    Dnsrr,
    /// A mode this version does not know.
    Unknown,
}

impl ResolutionMode {
    /// Parses the API's value; the empty value is the default.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "" | "vip" => Self::Vip,
            "dnsrr" => Self::Dnsrr,
            _ => Self::Unknown,
        }
    }

    /// The API's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vip => "vip",
            Self::Dnsrr => "dnsrr",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a published port is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublishMode {
    /// On every node, through the ingress mesh (the default).
    Ingress,
    /// On the nodes that run a task.
    Host,
    /// A mode this version does not know.
    Unknown,
}

impl PublishMode {
    /// Parses the API's value; the empty value is the default.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "" | "ingress" => Self::Ingress,
            "host" => Self::Host,
            _ => Self::Unknown,
        }
    }

    /// The API's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Host => "host",
            Self::Unknown => "unknown",
        }
    }
}

/// The protocol of a published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortProtocol {
    /// TCP (the default).
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// A protocol this version does not know.
    Unknown,
}

impl PortProtocol {
    /// As the engine spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
            Self::Unknown => "unknown",
        }
    }

    /// Parses the API's value; the empty value is the default.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "" | "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            "sctp" => Self::Sctp,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip_and_the_empty_value_is_the_default() {
        for mode in [ResolutionMode::Vip, ResolutionMode::Dnsrr] {
            assert_eq!(ResolutionMode::parse(mode.as_str()), mode);
        }
        for mode in [PublishMode::Ingress, PublishMode::Host] {
            assert_eq!(PublishMode::parse(mode.as_str()), mode);
        }
        assert_eq!(PortProtocol::parse("tcp"), PortProtocol::Tcp);
        assert_eq!(PortProtocol::parse("udp"), PortProtocol::Udp);
        assert_eq!(PortProtocol::parse("sctp"), PortProtocol::Sctp);
        assert_eq!(ResolutionMode::parse(""), ResolutionMode::Vip);
        assert_eq!(PublishMode::parse(""), PublishMode::Ingress);
        assert_eq!(PortProtocol::parse(""), PortProtocol::Tcp);
        assert_eq!(PortProtocol::parse("quic"), PortProtocol::Unknown);
    }
}
