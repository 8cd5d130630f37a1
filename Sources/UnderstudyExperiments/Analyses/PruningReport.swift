import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyReconstruction
import UnderstudySchema

/// A network that is made smaller, and the curve on the way: what `understudy prune` prints and writes.
public struct PruningReport: Sendable {
  /// How small it becomes.
  public enum Goal: Sendable {
    /// The share of each hidden layer's nodes that goes, lowest layer first; counts are rounded down.
    case removing(LayerShares)
    /// The nodes of each hidden layer that stay.
    case keeping(LayerWidths)
    /// As small as costs at most this share of accuracy on images that were not fitted.
    case accuracyDrop(Double)

    fileprivate var pointCount: Int { if case .accuracyDrop = self { 12 } else { 4 } }
  }

  /// A network of the curve.
  public struct Point: Sendable, Encodable {
    /// `[layer]`, lowest first.
    public let hiddenCounts: [Int]
    public let weightCount: Int
    /// Of the whole network's weights.
    public let weightShare: Double
    /// Root mean square of the outputs' difference, by that of the whole network's outputs around their mean.
    public let outputChange: Double
    /// Share of the samples whose largest output is that of the whole network.
    public let agreement: Double
    /// Share of the images whose largest output is the label; nil without labels.
    public let accuracy: Double?

    init(_ point: StudentPruning.Point, of whole: Network) {
      (hiddenCounts, weightCount) = (point.network.hiddenCounts, point.network.weightCount)
      weightShare = Double(weightCount) / Double(whole.weightCount)
      (outputChange, agreement, accuracy) = (point.outputChange, point.agreement, point.accuracy)
    }
  }

  /// What was pruned and what came of it: the document of `--json`.
  public struct Record: Sendable, Encodable {
    public let version: String
    /// Processor, kernels and OpenBLAS's kernels.
    public let machine: String
    public let student: String
    /// The images or inputs, as they were given.
    public let inputs: String
    public let fittedCount: Int
    /// Images or samples that were not fitted; output change, agreement and accuracy are over them.
    public let evaluationCount: Int
    /// The whole network first, then the smaller ones, largest first.
    public let curve: [Point]
    /// The network that is written.
    public let result: Point
  }

  public let record: Record
  public let network: Network

  /// Prunes a student to a goal, and reports the curve of losses and accuracies on the way.
  ///
  /// - Parameters:
  ///   - name: of the student's file, for messages.
  ///   - progress: told, in words and often, what is being done.
  /// - Throws: ``ExperimentError/input(_:)`` if the network does not take the inputs, it has no such layers, or memory is short.
  /// - Complexity: that of ``StudentPruning/pruned(keeping:)`` for each network of the curve: 4, or 12 to an accuracy.
  public init(
    _ student: Network, name: String, over data: PruningData, goal: Goal,
    progress: @escaping (String) -> Void = { _ in }
  ) throws(ExperimentError) {
    (record, network) = try ExperimentError.catching(name) { () throws(ShapeError) in
      let needed = try StudentPruning.memory(of: student, over: data, points: goal.pointCount)
      if let available = availableMemory(), needed > available {
        throw ShapeError(
          "pruning it over \(data.fittingCount) images or samples needs about \(byteSize(needed)) of memory, but "
            + "\(byteSize(available)) are free; prune where more is free, or a network with narrower layers")
      }
      let pruning = try StudentPruning(student, over: data, progress: progress)
      let whole = pruning.unpruned
      let (curve, chosen) = try Self.curve(of: pruning, goal)
      func point(_ point: StudentPruning.Point) -> Point { Point(point, of: student) }
      let record = Record(
        version: understudyVersion, machine: machineKind(), student: name, inputs: data.name,
        fittedCount: data.fittingCount, evaluationCount: data.evaluationCount, curve: ([whole] + curve).map(point),
        result: point(chosen))
      return (record, chosen.network)
    }
  }

  private typealias Curve = (points: [StudentPruning.Point], chosen: StudentPruning.Point)

  private static func curve(of pruning: StudentPruning, _ goal: Goal) throws(ShapeError) -> Curve {
    let whole = pruning.student.hiddenCounts
    switch goal {
    case .accuracyDrop(let drop): return try search(pruning, drop: drop)
    case .keeping(let widths): return try walk(pruning, to: widths.nodes)
    case .removing(let shares):
      guard shares.shares.count == whole.count else {
        throw ShapeError(
          "has \(whole.count) hidden layers, and \(shares.shares.count) shares are given; give one for each")
      }
      return try walk(pruning, to: pruning.student.architecture.hiddenCounts(losing: shares.shares))
    }
  }

  /// To what was asked for in four steps.
  private static func walk(_ pruning: StudentPruning, to target: [Int]) throws(ShapeError) -> Curve {
    let whole = pruning.student.hiddenCounts
    let last = try pruning.pruned(keeping: target)
    var curve: [StudentPruning.Point] = []
    // Of few nodes, several of these sizes may be one.
    var known = [whole, target]
    for share in [0.25, 0.5, 0.75] {
      let counts = zip(whole, target).map { $0 - Int((Double($0 - $1) * share).rounded()) }
      guard !known.contains(counts) else { continue }
      known.append(counts)
      curve.append(try pruning.pruned(keeping: counts))
    }
    return (curve + [last], last)
  }

  /// The smallest of nine sizes that is accurate enough, and by halving between it and the next.
  private static func search(_ pruning: StudentPruning, drop: Double) throws(ShapeError) -> Curve {
    let whole = pruning.unpruned
    let least = (whole.accuracy ?? 0) - drop
    // Of few nodes, several shares may give one size.
    var points: [[Int]: StudentPruning.Point] = [whole.network.hiddenCounts: whole]
    func isAccurate(_ share: Double) throws(ShapeError) -> Bool {
      let counts = pruning.counts(removing: share)
      if points[counts] == nil { points[counts] = try pruning.pruned(keeping: counts) }
      return points[counts]?.accuracy ?? 0 >= least
    }
    var good = 0.0
    for tenth in 1...9 {
      if try isAccurate(Double(tenth) / 10) { good = Double(tenth) / 10 }
    }
    var bad = min(1, good + 0.1)
    for _ in 0..<3 {
      let middle = (good + bad) / 2
      if try isAccurate(middle) { good = middle } else { bad = middle }
    }
    let chosen = points[pruning.counts(removing: good)] ?? whole
    points[whole.network.hiddenCounts] = nil
    return (points.values.sorted { $0.network.weightCount > $1.network.weightCount }, chosen)
  }
}
