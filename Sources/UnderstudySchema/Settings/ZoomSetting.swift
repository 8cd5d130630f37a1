/// A look between epochs: with it a run is measured by steps, from one to another, and ends there. Its draws and its training are
/// those of the run without it.
public struct ZoomSetting: Encodable, Hashable, Sendable {
  /// The first step after which the student is measured, from 1 over all epochs; 0: before the first step.
  public var from = 0
  /// The last step; 0: there is no zoom, and time counts in epochs.
  public var to = 0
  /// Steps from one measurement to the next.
  public var every = 1

  public init(from: Int = 0, to: Int = 0, every: Int = 1) { (self.from, self.to, self.every) = (from, to, every) }

  public var isOn: Bool { to > 0 }

  /// Whether the student is measured after so many steps: from `from` on every so many, and at the end.
  public func includes(_ step: Int) -> Bool {
    step == to || (from...max(from, to)).contains(step) && (step - from).isMultiple(of: every)
  }

  /// The next step after which it is; nil after the last.
  public func moment(after step: Int) -> Int? {
    if step >= to { return nil }
    return step < from ? from : min(to, from + ((step - from) / every + 1) * every)
  }
}

extension Setting {
  /// The epochs that a run's student trains at most, a share of one included.
  public var trainedEpochs: Double {
    zoom.isOn ? min(Double(training.epochs), epochs(at: zoom.to)) : Double(training.epochs)
  }

  /// The epochs that are behind a run at what a record calls the time: an epoch, or with a zoom a step.
  package func epochs(at time: Int) -> Double {
    zoom.isOn ? Double(time) / Double(max(1, training.stepsPerEpoch)) : Double(time)
  }
}

extension Study {
  /// What the numbers count that say when something was recorded: `epoch`, or with a zoom `step`.
  public var timeUnit: String { settings.allSatisfy(\.zoom.isOn) ? "step" : "epoch" }
}
