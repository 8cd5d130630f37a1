import Testing
import UnderstudyNumerics

@testable import UnderstudyNetworks
@testable import UnderstudyTheory

@Suite("Audits over images") struct ChannelAuditTests {
  private let size = MapSize(channels: 2, rows: 5, columns: 4)

  private func images() -> ImageBatcher {
    var stream = RandomStream(key: 4, purpose: .test)
    let pixels = stream.normals(70 * size.count, standardDeviation: 1).map(Float.init)
    let set = ImageSet(
      pixels: StoredPixels(.numbers(pixels), size: size, count: 70), labels: [UInt8](repeating: 0, count: 70),
      classCount: 1)
    return ImageBatcher(set, normalization: .init(means: [0, 0], deviations: [1, 1]))
  }

  /// Two filters of 3 x 3 with biases, and a layer of two outputs above their maps of 3 x 2.
  private func network(_ filters: [[Double]], _ biases: [Double], fanOut: [[Double]]) throws -> Network {
    try Network(
      layers: [
        NetworkLayer(.convolution(Window(size: 3)), weights: Matrix(filters), biases: biases),
        NetworkLayer(weights: Matrix(fanOut), biases: [0, 0]),
      ], input: size, activation: .relu)
  }

  @Test("a planted student: one filter in another scale, one missing, one that does nothing, one that is dead")
  func planted() throws {
    var stream = RandomStream(key: 8, purpose: .test)
    let filters = (0..<4).map { _ in stream.normals(18, standardDeviation: 0.3) }
    // Fan-out of each filter to each of 6 positions, for each output.
    let fanOut = (0..<4).map { _ in (0..<2).map { _ in stream.normals(6, standardDeviation: 1) } }
    let teacher = try network(
      [filters[0], filters[1]], [0.1, -0.2], fanOut: (0..<2).map { fanOut[0][$0] + fanOut[1][$0] })
    let student = try network(
      [filters[2], filters[0].map { 8 * $0 }, filters[3]], [0, 0.8, -1000],
      fanOut: (0..<2).map { c in
        fanOut[2][c].map { 1e-3 * $0 } + fanOut[0][c].map { $0 / 8 } + fanOut[3][c]
      })
    let audit = try channelAudit(of: ImageEvaluator(student), learning: ImageEvaluator(teacher), over: images())
    #expect(audit.imageCount == 70 && audit.strengthImageCount == 70)
    let layer = try #require(audit.layers.first)
    #expect(layer.teacher.aligned(at: 0.8) == [0] && layer.teacher.unaligned(at: 0.8) == [1])
    #expect(layer.student.aligned(at: 0.8) == [1] && layer.student.unaligned(at: 0.8) == [0])
    #expect(layer.student.dead == [2] && layer.student.partners[2] == nil && layer.student.effects[2] == 0)
    #expect(layer.teacher.partners[0] == 1 && layer.student.partners[1] == 0)
    // The scale of a node is in its strength, and not in its effect.
    let (ours, theirs) = (layer.teacher, layer.student)
    #expect(abs(theirs.strengths[1] * 8 / ours.strengths[0] - 1) < 1e-5)
    #expect(abs(theirs.effects[1] / ours.effects[0] - 1) < 1e-5)
    #expect(theirs.relativeEffects[1] == 1 && theirs.relativeEffects[0] < 0.01)
    #expect(abs(ours.shares[0] + ours.shares[1] - 1) < 1e-12)
    // By hand: the root of the mean over positions of the squared fan-out weights.
    let square = fanOut[1].joined().reduce(0) { $0 + $1 * $1 } / 6
    let expected = square.squareRoot()
    #expect(abs(ours.strengths[1] - expected) < 1e-5 * expected)
  }
}
