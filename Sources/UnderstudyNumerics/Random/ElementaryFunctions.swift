import Foundation

/// `base` to the power of `exponent`; here so that the targets above need no libm.
public func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// e to the power of `exponent`.
public func exponential(_ exponent: Double) -> Double { exp(exponent) }

/// The natural logarithm.
public func logarithm(_ value: Double) -> Double { log(value) }

/// The cosine of an angle in radians.
public func cosine(_ angle: Double) -> Double { cos(angle) }

/// The sine of an angle in radians.
public func sine(_ angle: Double) -> Double { sin(angle) }

/// The angle of the point (x, y) in radians, -pi...pi.
public func angle(of x: Double, _ y: Double) -> Double { atan2(y, x) }
