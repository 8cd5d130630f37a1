import Foundation
import Testing

@testable import UnderstudyNumerics

/// Gauss's rule of five points on equal panels between ends, which are never evaluated: kinks and jumps belong there.
private func integral(_ ends: [Double], panels: Int = 60, _ f: (Double) -> Double) -> Double {
  let points = [
    (0, 128.0 / 225), (0.538469310105683091, 0.478628670499366468), (0.906179845938663993, 0.236926885056189088),
  ]
  var sum = 0.0
  for (start, end) in zip(ends, ends.dropFirst()) {
    let half = (end - start) / Double(2 * panels)
    for panel in 0..<panels {
      let middle = start + Double(2 * panel + 1) * half
      for (place, weight) in points {
        sum += half * weight * (place == 0 ? f(middle) : f(middle - place * half) + f(middle + place * half))
      }
    }
  }
  return sum
}

/// Beyond 12 deviations a normal density is below 1e-31.
private let far = 12.0

@Suite struct NormalDistributionTests {
  static let correlations = [-1, -0.9999, -0.7, -1e-3, 0, 0.3, 0.95, 0.999_999, 1]
  static let ends = [-40, -3, -0.4, 0, 1e-9, 0.7, 2.5, 30]

  /// Phi_2(h, k) is the integral over X <= h of Phi((k - rho X) / r): a step of width r / rho, at which pieces end.
  @Test(arguments: correlations)
  func bivariateDistributionIsItsIntegral(rho: Double) {
    let correlation = NormalCorrelation(rho: rho)
    let r = (1 - rho * rho).squareRoot()
    for h in Self.ends {
      for k in Self.ends {
        let middle = rho == 0 ? 0 : k / rho
        let cuts = [-far, h] + [-8, 0, 8].map { middle + $0 * r }
        let ends = Set(cuts.map { min(max($0, -far), min(max(h, -far), far)) }).sorted()
        let expected = integral(ends) { x in
          normalDensity(x) * (r > 0 ? normalDistribution((k - rho * x) / r) : k - rho * x > 0 ? 1 : 0)
        }
        #expect(abs(bivariateNormalDistribution(h, k, correlation) - expected) < 1e-12, "\(h) \(k)")
      }
    }
  }

  @Test func knownValues() {
    // Sheppard's theorem on orthants.
    for rho in Self.correlations {
      let orthant = 0.25 + asin(rho) / (2 * .pi)
      #expect(abs(bivariateNormalDistribution(0, 0, NormalCorrelation(rho: rho)) - orthant) < 1e-15)
    }
    for h in Self.ends {
      for k in Self.ends {
        let independent = bivariateNormalDistribution(h, k, NormalCorrelation(rho: 0))
        #expect(abs(independent - normalDistribution(h) * normalDistribution(k)) < 1e-15)
        let same = bivariateNormalDistribution(h, k, NormalCorrelation(rho: 1))
        #expect(same == normalDistribution(min(h, k)))
        let opposite = bivariateNormalDistribution(h, k, NormalCorrelation(rho: -1))
        #expect(abs(opposite - max(0, normalDistribution(h) - normalDistribution(-k))) < 1e-15)
      }
    }
  }

  /// Directions that differ by an angle of 1e-9 have a correlation of 1 in double precision, and a complement of 1e-9.
  @Test func anglesOfNearlyParallelVectors() {
    for angle in [1e-12, 1e-9, 1e-5, 0.01, 0.1] {
      for sign in [1.0, -1] {
        let (u, w): ([Double], [Double]) = ([2, 0, 0], [3 * sign * cos(angle), 3 * sin(angle), 0])
        let correlation = NormalCorrelation(
          product: dotProduct(u, w), norms: (euclideanNorm(u), euclideanNorm(w)), (u[...], w[...]))
        #expect(abs(correlation.complement - sin(angle)) < 1e-9 * angle)
        #expect(abs(correlation.rho - sign * cos(angle)) < 1e-15)
      }
    }
  }
}

@Suite struct RectifiedMomentTests {
  private struct Case {
    var means: (Double, Double)
    var deviations: (Double, Double)
    var rho: Double
    var slope: Double

    var first: RectifiedNormal { RectifiedNormal(mean: means.0, deviation: deviations.0, negativeSlope: slope) }
    var second: RectifiedNormal { RectifiedNormal(mean: means.1, deviation: deviations.1, negativeSlope: slope) }
    var pair: RectifiedPair { RectifiedPair(first, second, NormalCorrelation(rho: rho)) }

    private func ends(_ kinks: Double...) -> [Double] {
      Set([-8, -4, 0, 4, 8] + kinks.map { min(max($0, -8), 8) }).sorted()
    }

    /// E[f(z_a) g(z_b)] by two integrals, that of z_b given z_a inside; pieces end at both kinks.
    func expectation(_ f: (Double) -> Double, _ g: (Double) -> Double) -> Double {
      let r = (1 - rho * rho).squareRoot()
      func given(_ x: Double) -> Double {
        let mean = means.1 + deviations.1 * rho * x
        let kink = r > 0 && deviations.1 > 0 ? -mean / (deviations.1 * r) : 0
        guard r > 0 else { return g(mean) }
        return integral(ends(kink), panels: 8) { y in
          normalDensity(y) * g(mean + deviations.1 * r * y)
        }
      }
      let ownKink = -means.0 / deviations.0
      let otherKink = rho == 0 ? 0 : -means.1 / deviations.1 / rho
      return integral(ends(ownKink, otherKink), panels: 8) { x in
        normalDensity(x) * f(means.0 + deviations.0 * x) * given(x)
      }
    }

    func phi(_ z: Double) -> Double { z > 0 ? z : slope * z }
    func gate(_ z: Double) -> Double { z > 0 ? 1 : slope }
  }

  /// Beyond 8 deviations are 1e-15 of the mass, and on panels of half a deviation Gauss's error is below 1e-9. Near rho = 1 what is
  /// integrated outside changes within r of the other kink.
  @Test(arguments: [0, 0.01, 0.4, 1], [-1, -0.6, 0, 0.8, 1])
  func momentsAreTheirIntegrals(slope: Double, rho: Double) {
    for means in [(0.0, 0.0), (-0.3, 0.8), (2, 2), (0.1, 14)] {
      for deviations in [(1.0, 1.0), (0.2, 3)] {
        let test = Case(means: means, deviations: deviations, rho: rho, slope: slope)
        let pair = test.pair
        let scale = (abs(means.0) + deviations.0) * (abs(means.1) + deviations.1)
        let products = test.expectation(test.phi, test.phi)
        #expect(abs(pair.activations - products) < 1e-7 * scale, "\(test)")
        let gates = test.expectation(test.gate, test.gate)
        #expect(abs(pair.slopes - gates) < 1e-7, "\(test)")
        #expect(abs(pair.slopeOfFirst - test.expectation(test.gate, test.phi)) < 1e-7 * scale, "\(test)")
        #expect(abs(pair.slopeOfSecond - test.expectation(test.phi, test.gate)) < 1e-7 * scale, "\(test)")
      }
    }
  }

  /// d/db of E[phi phi] is E[phi' phi], its derivative by the covariance E[phi' phi'] (Price 1958), and that of E[phi' phi] by
  /// the first mean E[phi'' phi]: central differences.
  @Test(arguments: [0, 0.01, 0.4], [-0.97, -0.2, 0, 0.5, 0.99])
  func derivativesAreDifferences(slope: Double, rho: Double) {
    for means in [(0.0, 0.0), (-0.3, 0.8), (0.5, -1.1), (1.5, 1.5)] {
      let test = Case(means: means, deviations: (0.7, 1.6), rho: rho, slope: slope)
      let step = 1e-4
      func difference(_ change: (inout Case, Double) -> Void, _ value: (RectifiedPair) -> Double) -> Double {
        var (lower, upper) = (test, test)
        change(&lower, -step)
        change(&upper, step)
        return (value(upper.pair) - value(lower.pair)) / (2 * step)
      }
      // Third derivatives are some units near rho = 1; rounding is 1e-16 / step.
      let bound = 1e-6
      let pair = test.pair
      #expect(abs(pair.slopeOfFirst - difference({ $0.means.0 += $1 }, \.activations)) < bound)
      #expect(abs(pair.slopeOfSecond - difference({ $0.means.1 += $1 }, \.activations)) < bound)
      #expect(abs(pair.curvatureOfFirst - difference({ $0.means.0 += $1 }, \.slopeOfFirst)) < bound)
      #expect(abs(pair.curvatureOfSecond - difference({ $0.means.1 += $1 }, \.slopeOfSecond)) < bound)
      let covariance = test.deviations.0 * test.deviations.1
      if abs(rho) < 0.9 {
        #expect(abs(pair.slopes - difference({ $0.rho += $1 }, \.activations) / covariance) < bound)
      }
    }
  }

  /// Cho, Saul 2009: without biases E[phi phi] = sigma sigma' (sin + (pi - theta) cos) / (2 pi), E[phi' phi'] = (pi - theta) / (2 pi).
  @Test func arcCosineKernels() {
    for theta in [1e-3, 0.3, 1, Double.pi / 2, 2, 3, 3.141] {
      let test = Case(means: (0, 0), deviations: (2, 0.3), rho: cos(theta), slope: 0)
      let pair = test.pair
      #expect(abs(pair.activations - 0.6 * (sin(theta) + (.pi - theta) * cos(theta)) / (2 * .pi)) < 1e-13)
      #expect(abs(pair.slopes - (.pi - theta) / (2 * .pi)) < 1e-12)
    }
  }

  @Test func limits() {
    let node = RectifiedNormal(mean: 0.4, deviation: 1.3, negativeSlope: 0.2)
    let (h, sigma) = (0.4 / 1.3, 1.3)
    let own = RectifiedPair(node)
    // E[z^2; z > 0] = (b^2 + sigma^2) Phi + b sigma density
    let positive = (0.16 + sigma * sigma) * normalDistribution(h) + 0.4 * sigma * normalDensity(h)
    let all = 0.16 + sigma * sigma
    #expect(abs(own.activations - (positive + 0.04 * (all - positive))) < 1e-15)
    #expect(abs(own.slopes - (node.activeShare + 0.04 * (1 - node.activeShare))) < 1e-15)
    // phi'' phi is 0: phi is 0 where phi'' is not.
    #expect(abs(own.curvatureOfFirst) < 1e-16 && abs(own.curvatureOfSecond) < 1e-16)
    // Far boundaries: a node that is always active is its pre-activation, one that never is has nothing.
    let (on, off) = (
      RectifiedNormal(mean: 500, deviation: 1, negativeSlope: 0),
      RectifiedNormal(mean: -500, deviation: 1, negativeSlope: 0)
    )
    let relu = RectifiedNormal(mean: 0.4, deviation: 1.3, negativeSlope: 0)
    let half = NormalCorrelation(rho: 0.5)
    let active = RectifiedPair(on, relu, half)
    #expect(abs(active.activations - (500 * relu.activation + 0.65 * relu.activeShare)) < 1e-12)
    #expect(active.slopeOfFirst == relu.activation && active.curvatureOfFirst == 0)
    let dead = RectifiedPair(off, relu, half)
    #expect(abs(dead.activations) < 1e-13 && dead.slopes == 0 && dead.curvatureOfFirst == 0)
    // Constants.
    for mean in [-0.5, 0, 0.5] {
      let constant = RectifiedNormal(mean: mean, deviation: 0, negativeSlope: 0.2)
      let pair = RectifiedPair(constant, node, half)
      #expect(pair.activations == (mean > 0 ? mean : 0.2 * mean) * node.activation)
      #expect(pair.slopes == (mean > 0 ? 1 : 0.2) * node.slope && pair.curvatureOfFirst == 0)
    }
    // A tiny deviation is nearly a constant.
    let tiny = RectifiedPair(RectifiedNormal(mean: 0.5, deviation: 1e-300, negativeSlope: 0.2), node, half)
    #expect(abs(tiny.activations - 0.5 * node.activation) < 1e-15 && tiny.curvatureOfFirst == 0)
  }
}
