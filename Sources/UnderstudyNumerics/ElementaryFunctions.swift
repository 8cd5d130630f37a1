import Foundation

/// `base` to the power of `exponent`; here so that the targets above need no libm.
public func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
