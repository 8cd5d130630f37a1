import Synchronization
import UnderstudyNumerics
import UnderstudySchema

/// How far a study has come. Threads of runs report to it; it reports on, at most a few times a second.
///
/// A class because all runs of a study share it.
public final class StudyProgress: Sendable {
  /// How far a study is at a moment.
  public struct Snapshot: Sendable {
    public var runCount: Int
    /// Runs recorded, those from earlier sessions included.
    public var finishedCount: Int
    public var divergedCount: Int
    /// Share of the work that was missing at the start, 0...1.
    public var share: Double
    public var stepsPerSecond: Double
    public var elapsedSeconds: Double
    /// nil in the first seconds of steps.
    public var remainingSeconds: Double?
    public var isLast: Bool
    /// What runs wait for; nil if for nothing.
    public var stage: String?
  }

  private struct State {
    var finishedCount: Int
    var recordedCount = 0
    var divergedCount = 0
    var steps = 0
    /// Cost done by this process, and cost that fell away: done before a checkpoint, or cut off by a divergence.
    var doneCost = 0.0
    var savedCost = 0.0
    var stage: String?
    var lastReport: ContinuousClock.Instant
    /// When steps were told of for the first time, and how many, with their cost: what comes before them is no measure of the speed.
    var first: (time: ContinuousClock.Instant, steps: Int, cost: Double)?
  }

  private let runCount: Int
  private let plannedCost: Double
  private let start = ContinuousClock.now
  private let report: @Sendable (Snapshot) -> Void
  private let state: Mutex<State>

  init(runCount: Int, presentCount: Int, plannedCost: Double, report: @escaping @Sendable (Snapshot) -> Void) {
    self.runCount = runCount
    self.plannedCost = plannedCost
    self.report = report
    state = Mutex(State(finishedCount: presentCount, lastReport: .now))
  }

  /// The work of a whole run, in floating-point operations of its steps and an evaluation each epoch.
  static func cost(of setting: Setting) -> Double { setting.trainedEpochs * costOfEpoch(setting) }

  private static func costOfEpoch(_ setting: Setting) -> Double {
    if setting.inputs.images != nil { return costOfImageEpoch(setting) }
    let shape = NetworkShape(
      widths: [setting.network.inputDimension] + setting.studentWidths + [setting.network.outputDimension],
      hasBiases: true, negativeSlope: 0)
    let training = setting.training
    let batch = training.method == .gd ? setting.inputs.training.count : max(1, training.batchSize)
    // Small networks wait for memory more than they compute: measured, a step costs as if it had some 5 nodes more.
    let step = shape.stepFLOPs(batch: batch) + 8_000 * Double(batch)
    if training.method == .flow { return costOfFlow(setting, shape) }
    return Double(max(1, training.stepsPerEpoch)) * step + shape.stepFLOPs(batch: setting.inputs.evaluation.count) / 2
  }

  /// Some 30 derivatives a unit of time, each of n (n + m) pairs that take as long as some 6 000 operations of a kernel.
  private static func costOfFlow(_ setting: Setting, _ shape: NetworkShape) -> Double {
    let (n, m) = (Double(shape.widths[1]), Double(setting.teacher.hiddenWidths[0]))
    let time = setting.training.learningRate * Double(max(1, setting.training.stepsPerEpoch))
    return (1 + 30 * time) * n * (n + m) * (6_000 + 2 * Double(shape.inputCount + shape.outputCount))
      + shape.stepFLOPs(batch: setting.inputs.evaluation.count) / 2
  }

  /// What runs wait for, such as the training of their teacher.
  func didReach(_ stage: String) { update { $0.stage = stage } }

  /// Of a size of images that is not known here: what settings of one study cost in relation.
  private static func costOfImageEpoch(_ setting: Setting) -> Double {
    let widths = setting.studentWidths.map(Double.init)
    let products = zip([3] + widths, widths).reduce(0) { $0 + $1.0 * $1.1 }
    return Double(max(1, setting.training.stepsPerEpoch * setting.training.batchSize)) * products * 5e4
  }

  /// - Parameter epochs: what the steps are of an epoch.
  func didTakeSteps(_ count: Int, epochs: Double, of setting: Setting) {
    update {
      $0.steps += count
      $0.stage = nil
      $0.doneCost += epochs * Self.costOfEpoch(setting)
      if $0.first == nil { $0.first = (ContinuousClock.now, $0.steps, $0.doneCost) }
    }
  }

  func willResume(epochs: Double, of setting: Setting) {
    state.withLock { $0.savedCost += epochs * Self.costOfEpoch(setting) }
  }

  func didFinish(_ setting: Setting, outcome: Outcome) {
    update {
      $0.finishedCount += 1
      $0.recordedCount += 1
      if case .diverged(let epoch) = outcome {
        $0.divergedCount += 1
        $0.savedCost += max(0, setting.trainedEpochs - setting.epochs(at: epoch)) * Self.costOfEpoch(setting)
      }
    }
  }

  /// What a failed run would have cost is no longer to be waited for.
  func didFail(_ setting: Setting) {
    update { $0.savedCost += Self.cost(of: setting) }
  }

  /// Reports a last time and returns the number of runs recorded.
  func finish() -> Int {
    report(snapshot(of: state.withLock { $0 }, isLast: true))
    return state.withLock { $0.recordedCount }
  }

  private func update(_ change: (inout State) -> Void) {
    let due: State? = state.withLock { state in
      change(&state)
      guard ContinuousClock.now - state.lastReport > .milliseconds(250) else { return nil }
      state.lastReport = .now
      return state
    }
    if let due { report(snapshot(of: due, isLast: false)) }
  }

  private func snapshot(of state: State, isLast: Bool) -> Snapshot {
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    let remainingCost = max(0, plannedCost - state.doneCost - state.savedCost)
    let stepping = state.first.map { (ContinuousClock.now - $0.time) / .seconds(1) } ?? 0
    let costPerSecond = (state.doneCost - (state.first?.cost ?? 0)) / max(stepping, 1e-9)
    // At the end, of all of it: a small study may have told of its steps once.
    let (steps, seconds) = isLast ? (state.steps, elapsed) : (state.steps - (state.first?.steps ?? 0), stepping)
    return Snapshot(
      runCount: runCount, finishedCount: state.finishedCount, divergedCount: state.divergedCount,
      share: plannedCost > 0 ? 1 - remainingCost / plannedCost : 1,
      stepsPerSecond: Double(steps) / max(seconds, 1e-9),
      elapsedSeconds: elapsed,
      remainingSeconds: stepping > 3 && costPerSecond > 0 ? remainingCost / costPerSecond : nil,
      isLast: isLast, stage: state.stage)
  }
}
