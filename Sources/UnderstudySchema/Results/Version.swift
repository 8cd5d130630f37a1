/// Of Understudy; stored with every result.
public let understudyVersion = "0.2.0"
