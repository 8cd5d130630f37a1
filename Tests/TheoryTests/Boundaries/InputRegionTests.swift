import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite struct InputRegionTests {
  static let regions: [InputRegion] = [.ball(radius: 1.7), .box(lowest: -0.4, highest: 1.1)]

  private func isInside(_ x: some Collection<Double>, _ region: InputRegion) -> Bool {
    switch region {
    case .ball(let radius): euclideanNorm(x) <= radius * (1 + 1e-12)
    case .box(let lowest, let highest): x.allSatisfy { $0 >= lowest - 1e-12 && $0 <= highest + 1e-12 }
    }
  }

  /// No even input exceeds the extremes along a direction, and the input named is there and reaches them.
  @Test(arguments: regions, [1, 2, 5])
  func extremes(region: InputRegion, d: Int) {
    let inputs = region.evenInputs(2000, featureCount: d, key: 3)
    var stream = RandomStream(key: 4, purpose: .test)
    for _ in 0..<5 {
      let w = stream.normals(d, standardDeviation: 1)
      let largest = region.valueAtCenter(w, bias: 0.3) + region.reach(along: w)
      let top = region.top(along: w)
      #expect(isInside(top, region))
      #expect(abs(dotProduct(w, top, from: 0.3) - largest) < 1e-12)
      for i in 0..<inputs.rowCount { #expect(dotProduct(w, inputs.row(i), from: 0.3) <= largest + 1e-12) }
    }
    #expect(region.top(along: [Double](repeating: 0, count: d)).allSatisfy { $0 == region.center })
  }

  /// Even inputs lie inside, about the centre, with the spread that is said.
  @Test(arguments: regions, [1, 3])
  func evenInputs(region: InputRegion, d: Int) {
    let inputs = region.evenInputs(20_000, featureCount: d, key: 9)
    #expect((0..<inputs.rowCount).allSatisfy { isInside(inputs.row($0), region) })
    #expect(abs(inputSpread(of: inputs) / region.spread(featureCount: d) - 1) < 0.02)
    let farthest = (0..<inputs.rowCount).map { i in euclideanNorm(inputs.row(i).map { $0 - region.center }) }.max() ?? 0
    #expect(farthest <= region.radius(featureCount: d) && farthest > 0.9 * region.radius(featureCount: d))
  }

  /// The largest value on a hyperplane's part in a box, against vertices of that part: of each edge of the box, the point where
  /// the hyperplane cuts it. A linear function is largest at one of them.
  @Test(arguments: [2, 3, 5], [0, 1, 2, 3] as [UInt64])
  func hyperplanesInABox(d: Int, key: UInt64) {
    let (lowest, highest) = (-0.4, 1.1)
    var stream = RandomStream(key: key, purpose: .test)
    var met = 0
    for _ in 0..<40 {
      let w = stream.normals(d, standardDeviation: 1)
      var normal = stream.normals(d, standardDeviation: 1)
      if stream.uniforms(1)[0] < 0.3 { normal[d - 1] = 0 }
      let norm = euclideanNorm(normal)
      normal = normal.map { $0 / norm }
      let offset = stream.normals(1, standardDeviation: 0.7)[0]
      var best: Double?
      for free in 0..<d where normal[free] != 0 {
        for corner in 0..<(1 << (d - 1)) {
          var (x, bit) = ([Double](repeating: 0, count: d), 0)
          for f in 0..<d where f != free {
            x[f] = corner >> bit & 1 == 1 ? highest : lowest
            bit += 1
          }
          x[free] = -dotProduct(normal, x, from: offset) / normal[free]
          guard x[free] >= lowest, x[free] <= highest else { continue }
          best = max(best ?? -.infinity, dotProduct(w, x, from: 0.2))
        }
      }
      let exact = InputRegion.box(lowest: lowest, highest: highest).largest(
        w, bias: 0.2, onNormal: normal, offset: offset)
      #expect((exact == nil) == (best == nil))
      if let exact, let best {
        #expect(abs(exact - best) < 1e-12)
        met += 1
      }
    }
    #expect(met > 10)
  }

  /// A hyperplane that only touches the region has one point there; one that is parallel to a side has the side's other extremes.
  @Test func degenerateHyperplanes() {
    let box = InputRegion.box(lowest: -1, highest: 1)
    #expect(box.largest([1, 5], bias: 0, onNormal: [1, 0], offset: -1) == 6)
    #expect(box.largest([1, 5], bias: 0, onNormal: [1, 0], offset: 1) == 4)
    #expect(box.largest([1, 5], bias: 0, onNormal: [1, 0], offset: 1.001) == nil)
    #expect(box.largest([1, 5], bias: 0, onNormal: [1, 0], offset: -1.001) == nil)
    #expect(box.largest([2, 0], bias: 0.5, onNormal: [1, 0], offset: -0.25) == 1)
    #expect(InputRegion.ball(radius: 2).largest([1, 5], bias: 0, onNormal: [1, 0], offset: -2) == 2)
    #expect(InputRegion.ball(radius: 2).largest([1, 5], bias: 0, onNormal: [1, 0], offset: -2.1) == nil)
  }
}
