/// Work that takes long, piece by piece: the epochs of a run, the search for a critical point, the training of a replica, of a
/// teacher or of an oracle.
protocol Stage {
  /// Whether no piece is left.
  var isOver: Bool { get }

  /// Takes the next piece: an epoch, or a step of a search. It ends early where a stop is asked for or a pause is due, if the stage
  /// can go on from there to the bits that it would have come to.
  mutating func advance(isCancelled: () -> Bool, isPauseDue: () -> Bool) throws(ExperimentError)
}

extension RunExecution {
  /// Carries a stage to its end, and stores where it stands whenever a checkpoint is due.
  ///
  /// - Parameter store: called between two pieces, and where one was paused.
  /// - Returns: false if the study was asked to stop; the stage stands where it can go on.
  func carryOut<Work: Stage>(
    _ stage: inout Work, _ timer: CheckpointTimer, store: (Work) throws(ExperimentError) -> Void
  ) throws(ExperimentError) -> Bool {
    while !stage.isOver {
      if isCancelled() { return false }
      try stage.advance(isCancelled: isCancelled, isPauseDue: { timer.isDue })
      guard timer.isDue, !stage.isOver, !isCancelled() else { continue }
      try store(stage)
      timer.restart()
    }
    return true
  }
}

/// Tells when a run's next checkpoint is due. A class because a run's stages have one after the other.
final class CheckpointTimer {
  private let interval: Duration
  private var last = ContinuousClock.now

  init(interval: Duration) { self.interval = interval }

  var isDue: Bool { ContinuousClock.now - last > interval }
  func restart() { last = .now }
}
