/// One recorded value: a scalar (`shape` empty), or an array in row-major order.
public struct MeasuredValue: Codable, Hashable, Sendable {
  public var measure: Measure
  /// 0 is before the first step.
  public var epoch: Int
  public var shape: [Int]
  public var values: [Double]

  public init(_ measure: Measure, epoch: Int, shape: [Int] = [], values: [Double]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values do not fill shape \(shape)")
    self.measure = measure
    self.epoch = epoch
    self.shape = shape
    self.values = values
  }
}
