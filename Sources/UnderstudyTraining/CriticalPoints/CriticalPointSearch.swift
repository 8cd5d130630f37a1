import UnderstudyNetworks
import UnderstudyNumerics

/// Where a search for a critical point stands between two of its steps: what it needs to go on to the same bits.
public struct CriticalPointProgress: Sendable, Equatable {
  /// Steps tried, and restarts made.
  public var iterationCount: Int
  public var restartCount: Int
  /// Marquardt's damping, and by what it grows once a step fails.
  public var damping: Double
  public var growth: Double
  /// The losses of the last steps since the last restart, as many as a stall is told by.
  public var losses: [Double]
  /// The weights of the best student so far, in the search's own units; nil if none was better than the first.
  public var best: [Double]?
  /// All weights at which the system was brought up to date since it was made anew, the last ones those of the search: it
  /// keeps the roundings of its updates.
  public var trail: [[Double]]

  public init(
    iterationCount: Int, restartCount: Int, damping: Double, growth: Double, losses: [Double], best: [Double]?,
    trail: [[Double]]
  ) {
    (self.iterationCount, self.restartCount) = (iterationCount, restartCount)
    (self.damping, self.growth, self.losses) = (damping, growth, losses)
    (self.best, self.trail) = (best, trail)
  }

  /// - Throws: ``ShapeError`` if no search of a student with so many weights can stand there.
  func check(weightCount: Int) throws(ShapeError) {
    func isFilled(_ weights: [Double]) -> Bool { weights.count == weightCount && weights.allSatisfy(\.isFinite) }
    guard iterationCount >= 0, restartCount >= 0, damping > 0, damping.isFinite, growth >= 1, growth.isFinite,
      losses.count <= searchMemory.losses, losses.allSatisfy(\.isFinite), best.map(isFilled) ?? true,
      (1...searchMemory.trail).contains(trail.count), trail.allSatisfy(isFilled)
    else {
      throw ShapeError(
        "the search for a critical point cannot stand where it is said to: it is another student's, or damaged")
    }
  }
}

/// A search for a critical point taken step by step, so that it can be stopped and gone on with: see
/// ``criticalPoint(from:along:on:targets:key:isCancelled:)``.
///
/// A search that goes on from its ``progress`` takes the steps, to the bit, that it would have taken had it not stopped.
public struct CriticalPointSearch {
  private let student: Student
  private let plan: CriticalPointPlan
  private let inputs: Matrix
  private let targets: Matrix
  private let key: UInt64
  private let problem: LeastSquaresProblem
  private let units: SampleUnits
  private var search: LevenbergMarquardt
  private var best: SearchState
  private var hasMoved = false
  private var (iterationCount, restartCount) = (0, 0)

  /// Prepares a search from a student, or from where an earlier one stood.
  ///
  /// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
  /// - Parameter progress: where an earlier search from the same arguments stood; nil to begin.
  /// - Throws: ``ShapeError`` as the whole search does, or if the progress is not of such a search.
  /// - Complexity: of one step; with `progress`, of at most 32 updates of the system.
  public init(
    _ student: Student, along plan: CriticalPointPlan, on inputs: Matrix, targets: Matrix, key: UInt64,
    from progress: CriticalPointProgress? = nil
  ) throws(ShapeError) {
    try student.network.checkIsPlain()
    (self.student, self.plan, self.inputs, self.targets, self.key) = (student, plan, inputs, targets, key)
    (problem, best, units) = try LeastSquaresProblem.inOwnUnits(student, inputs: inputs, targets: targets)
    guard let progress else {
      search = LevenbergMarquardt(problem, from: best)
      return
    }
    let start = best.weights
    try progress.check(weightCount: start.count)
    search = LevenbergMarquardt(problem, from: progress, like: start)
    (iterationCount, restartCount) = (progress.iterationCount, progress.restartCount)
    if let weights = progress.best {
      best = problem.state(of: ParameterVector(weights, like: start))
      hasMoved = true
    }
  }

  /// Whether no step is left to be taken.
  public var isOver: Bool {
    !best.evaluation.isFinite || best.evaluation.largestGradient <= plan.gradientTarget
      || iterationCount >= plan.iterationLimit || search.isStalled && restartCount >= plan.restartLimit
  }

  /// Tries a step, and begins anew from other boundaries where it sees that it is stalled.
  public mutating func step() {
    search.prepare(systemByteLimit: plan.systemByteLimit)
    iterationCount += 1
    if search.iterate(), search.state.isBetter(than: best, target: plan.gradientTarget) {
      best = search.state
      hasMoved = true
    }
    guard search.isStalled, !isOver else { return }
    restartCount += 1
    search.restart(from: problem.reseeded(best, key: key, attempt: restartCount))
  }

  public var progress: CriticalPointProgress {
    CriticalPointProgress(
      iterationCount: iterationCount, restartCount: restartCount, damping: search.damping, growth: search.growth,
      losses: search.losses, best: hasMoved ? best.weights.flat : nil, trail: search.trail.map(\.flat))
  }

  /// The best student so far, and what it is.
  ///
  /// - Parameter wasCancelled: whether it was stopped before it was over: eigenvalues are left out then.
  /// - Throws: ``ShapeError`` as making a network of its weights does.
  public func result(wasCancelled: Bool = false) throws(ShapeError) -> (student: Student, report: CriticalPointReport) {
    var found = student
    if hasMoved {
      let network = units.original(try problem.student(of: best.weights).network)
      found = Student(NodeBalance(of: student.network).restored(network))
    }
    // In the units of the samples again, and of the student that is returned.
    let original = try LeastSquaresProblem(found, inputs: inputs, targets: targets)
    let state = original.state(of: original.weights(of: found))
    var report = CriticalPointReport(
      reachedTarget: best.evaluation.largestGradient <= plan.gradientTarget, iterationCount: iterationCount,
      restartCount: restartCount, loss: state.evaluation.loss, largestGradient: state.evaluation.largestGradient,
      gradientShare: best.evaluation.largestGradient, gradientNorm: original.gradientNorm(at: state.evaluation),
      smallestCurvature: 0, largestCurvature: 0, curvatureError: 0,
      boundarySampleCount: original.boundarySampleCount(at: state), wasCancelled: wasCancelled)
    if !wasCancelled, state.evaluation.isFinite, let curvature = original.curvatures(at: state, key: key) {
      report.smallestCurvature = curvature.smallest
      report.largestCurvature = curvature.largest
      report.curvatureError = curvature.error
    }
    return (found, report)
  }
}
